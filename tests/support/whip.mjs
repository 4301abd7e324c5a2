// whip.mjs - a plain WHIP (RFC 9725) encoder and WHEP player made of a browser page and nothing of ours.

/** Publishes the page's camera and microphone; the resource's URL. */
export async function publish(page, url, session, token) {
  await page.goto(`${url}/healthz`); // any page of the origin: getUserMedia wants a secure context
  return page.evaluate(async ({ session, token }) => {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: true,
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    });
    const connection = new RTCPeerConnection();
    window.whip = connection;
    for (const track of stream.getTracks()) connection.addTransceiver(track, { direction: 'sendonly', streams: [stream] });
    await connection.setLocalDescription();
    const response = await fetch(`/whip/${session}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` },
      body: connection.localDescription.sdp,
    });
    if (response.status !== 201) throw new Error(`WHIP answered ${response.status}: ${await response.text()}`);
    await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`WHIP connection is ${connection.connectionState} after 15 s`)), 15000);
      const check = () => connection.connectionState === 'connected' && (clearTimeout(timer), resolve());
      connection.addEventListener('connectionstatechange', check);
      check();
    });
    return response.headers.get('Location');
  }, { session, token });
}

/** Receives what the room shows (or one peer's tracks) into <video> and <audio> elements of the page; the resource's URL. */
export async function play(page, url, session, token, peer = '') {
  await page.goto(`${url}/healthz`);
  return page.evaluate(async ({ session, token, peer }) => {
    const connection = new RTCPeerConnection();
    window.whep = connection;
    connection.ontrack = ({ track }) => {
      const element = document.createElement(track.kind);
      element.srcObject = new MediaStream([track]);
      element.autoplay = true;
      element.playsInline = true;
      element.muted = track.kind === 'video';
      document.body.append(element);
    };
    connection.addTransceiver('audio', { direction: 'recvonly' });
    connection.addTransceiver('video', { direction: 'recvonly' });
    await connection.setLocalDescription();
    const response = await fetch(`/whep/${session}${peer ? `/${peer}` : ''}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` },
      body: connection.localDescription.sdp,
    });
    if (response.status !== 201) throw new Error(`WHEP answered ${response.status}: ${await response.text()}`);
    await connection.setRemoteDescription({ type: 'answer', sdp: await response.text() });
    return response.headers.get('Location');
  }, { session, token, peer });
}

export const end = (page, location, token) =>
  page.evaluate(async ({ location, token }) => {
    const response = await fetch(location, { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } });
    window.whip?.close();
    window.whep?.close();
    return response.status;
  }, { location, token });
