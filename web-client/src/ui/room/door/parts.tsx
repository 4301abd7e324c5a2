/** What `DoorPart` of lazy-part.tsx loads in one go. */
export { DeviceControls } from './device-controls';
export { JoinOptions } from './join-options';
export { NoWebRtc } from './no-webrtc';
export { OverView } from './over-view';
