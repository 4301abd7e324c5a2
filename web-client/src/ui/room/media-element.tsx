/** Elements that play a MediaStream: `srcObject` has no attribute, so it is set by hand. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface VideoProps {
  stream: MediaStream;
  isMirrored?: boolean;
  label: string;
  peer: string;
  source?: 'camera' | 'screen';
}

/** Always silent: sound comes from the audio outlets. */
export function StreamVideo({ stream, isMirrored = false, label, peer, source = 'camera' }: VideoProps): JSX.Element {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const video = ref.current;
    if (video === null) return;
    video.srcObject = stream;
    void video.play().catch(() => undefined);
    return () => {
      video.srcObject = null;
    };
  }, [stream]);
  return (
    <video ref={ref} class={isMirrored ? 'tile-video is-mirrored' : 'tile-video'} muted playsInline autoplay
      aria-label={label} data-peer={peer} data-source={source} />
  );
}

interface AudioProps {
  stream: MediaStream;
  mid: string;
  speakerId: string | null;
  onBlocked: () => void;
  /** Changes when the user pressed the button that lets sound begin. */
  unblocked: number;
  /** 0..1 */
  volume: number;
}

type SinkElement = HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> };

/**
 * Phones of Apple leave `volume` at 1 whatever is set: there the sound goes through a gain of its own, and the element,
 * which the stream still needs, is silent.
 */
function setVolume(audio: HTMLAudioElement, stream: MediaStream, volume: number): (() => void) | undefined {
  audio.muted = false;
  audio.volume = volume;
  if (Math.abs(audio.volume - volume) < 0.01) return undefined;
  const context = new AudioContext();
  const gain = context.createGain();
  gain.gain.value = volume;
  context.createMediaStreamSource(stream).connect(gain).connect(context.destination);
  if (context.state === 'suspended') void context.resume().catch(() => undefined);
  audio.muted = true;
  return () => {
    audio.muted = false;
    void context.close().catch(() => undefined);
  };
}

export function StreamAudio({ stream, mid, speakerId, onBlocked, unblocked, volume }: AudioProps): JSX.Element {
  const ref = useRef<HTMLAudioElement>(null);
  useEffect(() => {
    const audio = ref.current;
    if (audio === null) return;
    if (audio.srcObject !== stream) audio.srcObject = stream;
    audio.play().catch((error: unknown) => {
      if (error instanceof DOMException && error.name === 'NotAllowedError') onBlocked();
    });
  }, [stream, unblocked]);
  useEffect(() => {
    const audio: SinkElement | null = ref.current;
    // An output that is gone falls back to the system's choice.
    if (audio !== null && speakerId !== null) void audio.setSinkId?.(speakerId).catch(() => undefined);
  }, [speakerId]);
  useEffect(() => {
    const audio = ref.current;
    if (audio !== null) return setVolume(audio, stream, volume);
  }, [stream, volume, unblocked]);
  return <audio ref={ref} autoplay data-mid={mid} data-volume={volume} />;
}
