/** One track made of two: the microphone, and the sound of the screen that is shared. */

export interface SoundMix {
  track: MediaStreamTrack;
  /** null: the microphone is off, what is shared is still heard. */
  setMicrophone: (track: MediaStreamTrack | null) => void;
  close: () => void;
}

export function mixSound(shared: MediaStreamTrack): SoundMix {
  const context = new AudioContext();
  const output = context.createMediaStreamDestination();
  context.createMediaStreamSource(new MediaStream([shared])).connect(output);
  let voice: { track: MediaStreamTrack; node: MediaStreamAudioSourceNode } | null = null;
  if (context.state === 'suspended') void context.resume().catch(() => undefined);
  const track = output.stream.getAudioTracks()[0];
  if (track === undefined) throw new Error('no output track');
  return {
    track,
    setMicrophone: (microphone) => {
      if (voice?.track === microphone) return;
      voice?.node.disconnect();
      voice = null;
      if (microphone === null) return;
      const node = context.createMediaStreamSource(new MediaStream([microphone]));
      node.connect(output);
      voice = { track: microphone, node };
    },
    close: () => {
      track.stop();
      void context.close().catch(() => undefined);
    },
  };
}
