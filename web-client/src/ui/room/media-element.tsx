/** Elements that play a MediaStream: `srcObject` has no attribute, so it is set by hand. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface VideoProps {
  stream: MediaStream;
  isMirrored?: boolean;
  label: string;
  peer: string;
}

/** Always silent: sound comes from the audio outlets. */
export function StreamVideo({ stream, isMirrored = false, label, peer }: VideoProps): JSX.Element {
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
      disablePictureInPicture aria-label={label} data-peer={peer} data-source="camera" />
  );
}

interface AudioProps {
  stream: MediaStream;
  mid: string;
  speakerId: string | null;
  onBlocked: () => void;
  /** Changes when the user pressed the button that lets sound begin. */
  unblocked: number;
}

type SinkElement = HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> };

export function StreamAudio({ stream, mid, speakerId, onBlocked, unblocked }: AudioProps): JSX.Element {
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
  return <audio ref={ref} autoplay data-mid={mid} />;
}
