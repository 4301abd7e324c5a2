/** Microphones, cameras and speakers: asking for them, and why the browser says no. */

export type DeviceFailure = 'blocked' | 'none' | 'busy' | 'insecure' | 'unknown';

export class DeviceError extends Error {
  constructor(readonly failure: DeviceFailure) {
    super(failure);
    this.name = 'DeviceError';
  }
}

export function failureOf(error: unknown): DeviceFailure {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
    case 'SecurityError':
      return 'blocked';
    case 'NotFoundError':
    case 'DevicesNotFoundError':
    case 'OverconstrainedError':
      return 'none';
    case 'NotReadableError':
    case 'TrackStartError':
    case 'AbortError':
      return 'busy';
    default:
      return 'unknown';
  }
}

function devicesOrThrow(): MediaDevices {
  // Absent on pages that are not secure.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices?.getUserMedia === undefined) throw new DeviceError('insecure');
  return devices;
}

async function open(constraints: MediaStreamConstraints): Promise<MediaStreamTrack> {
  const devices = devicesOrThrow();
  try {
    const stream = await devices.getUserMedia(constraints);
    const track = stream.getTracks()[0];
    if (track === undefined) throw new DeviceError('none');
    return track;
  } catch (error) {
    throw error instanceof DeviceError ? error : new DeviceError(failureOf(error));
  }
}

/** The remembered device when it is still there, else any. */
export async function openMicrophone(deviceId: string | null): Promise<MediaStreamTrack> {
  return open({
    audio: {
      ...(deviceId !== null && { deviceId: { ideal: deviceId } }),
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      channelCount: { ideal: 1 },
    },
  });
}

/** One size in which a camera's picture is sent; the server gives each receiver the one that fits. */
export interface CameraLayer {
  rid: string;
  /** Of the camera's width and height. */
  divisor: number;
  maxBitrateBps: number;
}

/** What a camera is asked for, and the most that its pictures may take of the line. */
export interface CameraQuality {
  width: number;
  height: number;
  frameRate: number;
  /** Smallest first: so the first bits of a weak line carry the picture that everybody can receive. */
  layers: readonly CameraLayer[];
}

/**
 * Who leads or presents is seen large by everyone. Everyone else is one of many tiles, on lines and phones that
 * must receive nine of them at once.
 */
export const LEAD_CAMERA: CameraQuality = { width: 1280, height: 720, frameRate: 30, layers: [
  { rid: 'q', divisor: 4, maxBitrateBps: 150_000 },
  { rid: 'h', divisor: 2, maxBitrateBps: 450_000 },
  { rid: 'f', divisor: 1, maxBitrateBps: 1_200_000 },
] };
export const GUEST_CAMERA: CameraQuality = { width: 640, height: 360, frameRate: 20, layers: [
  { rid: 'q', divisor: 2, maxBitrateBps: 150_000 },
  { rid: 'h', divisor: 1, maxBitrateBps: 450_000 },
] };

export async function openCamera(deviceId: string | null, quality: CameraQuality): Promise<MediaStreamTrack> {
  return open({
    video: {
      ...(deviceId !== null && { deviceId: { ideal: deviceId } }),
      width: { ideal: quality.width },
      height: { ideal: quality.height },
      frameRate: { ideal: quality.frameRate, max: quality.frameRate },
    },
  });
}

export interface DeviceChoice {
  id: string;
  label: string;
}

export interface DeviceLists {
  microphones: DeviceChoice[];
  cameras: DeviceChoice[];
  speakers: DeviceChoice[];
}

/** Before permission the browser gives no names: such entries are left out. */
export async function listDevices(): Promise<DeviceLists> {
  const lists: DeviceLists = { microphones: [], cameras: [], speakers: [] };
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices?.enumerateDevices === undefined) return lists;
  for (const device of await devices.enumerateDevices()) {
    if (device.deviceId === '' || device.label === '') continue;
    const choice = { id: device.deviceId, label: device.label };
    if (device.kind === 'audioinput') lists.microphones.push(choice);
    else if (device.kind === 'videoinput') lists.cameras.push(choice);
    else lists.speakers.push(choice);
  }
  return lists;
}

export function canChooseSpeaker(): boolean {
  return typeof HTMLMediaElement !== 'undefined' && 'setSinkId' in HTMLMediaElement.prototype;
}
