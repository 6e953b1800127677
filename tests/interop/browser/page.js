// A phone in a page: JsSIP with what the tests ask of it. Everything is awaited from outside, over the DevTools protocol.
import JsSIP from "jssip";

const state = { agent: null, session: null, incoming: null, events: [], analyser: null, context: null };

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}

async function until(what, probe, seconds = 40) {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const found = probe();
    if (found) return found;
    if (performance.now() > end) throw new Error(`${what}; so far: ${state.events.join(", ")}`);
    await sleep(20);
  }
}

// The sound of an oscillator in place of the microphone, so that pages of one browser differ.
function tone(frequency) {
  const context = new AudioContext();
  const oscillator = new OscillatorNode(context, { frequency });
  const out = context.createMediaStreamDestination();
  oscillator.connect(new GainNode(context, { gain: 0.4 })).connect(out);
  oscillator.start();
  return out.stream;
}

function listen(stream) {
  // Chromium moves the sound of a peer only when an element plays it.
  const element = new Audio();
  element.muted = true;
  element.srcObject = stream;
  element.play();
  state.context ??= new AudioContext();
  state.analyser = new AnalyserNode(state.context, { fftSize: 8192, smoothingTimeConstant: 0 });
  state.context.createMediaStreamSource(stream).connect(state.analyser);
}

function follow(session) {
  state.session = session;
  for (const name of ["progress", "accepted", "confirmed", "ended", "failed", "hold", "unhold"]) {
    session.on(name, (event) => state.events.push(`${name}${event?.cause ? `:${event.cause}` : ""}`));
  }
  const heed = (connection) =>
    connection.addEventListener("track", (event) => listen(event.streams[0] ?? new MediaStream([event.track])));
  session.on("peerconnection", ({ peerconnection }) => heed(peerconnection));
  if (session.connection) heed(session.connection);
}

const media = (frequency) =>
  frequency ? { mediaStream: tone(frequency) } : { mediaConstraints: { audio: true, video: false } };

window.phone = {
  async register(server, uri, password) {
    const socket = new JsSIP.WebSocketInterface(server);
    state.agent = new JsSIP.UA({ sockets: [socket], uri, password, session_timers: false });
    state.agent.on("newRTCSession", ({ originator, session }) => {
      if (originator === "remote") {
        state.incoming = session;
        state.events.push("incoming");
      }
      follow(session);
    });
    state.agent.on("registrationFailed", ({ cause }) => state.events.push(`registrationFailed:${cause}`));
    state.agent.start();
    await until("not registered", () => state.agent.isRegistered());
  },

  // With `servers` every packet goes through one of them.
  async call(target, frequency, servers) {
    state.events.length = 0;
    const through = servers ? { pcConfig: { iceServers: servers, iceTransportPolicy: "relay" } } : {};
    state.agent.call(target, { ...media(frequency), ...through });
    await until("no answer", () => state.events.includes("confirmed"));
  },

  // Calls with an offer as of a phone that trickles (RFC 8840): with no candidate, or such as nobody can look up. The candidates come
  // later, in INFO.
  async trickle(target, candidates) {
    state.events.length = 0;
    const found = [];
    const sdp = (event) => {
      if (event.originator !== "local") return;
      const lines = event.sdp.split("\r\n");
      found.push(...lines.filter((line) => line.startsWith("a=candidate:")));
      const kept = lines.filter((line) => !/^a=(candidate|end-of-candidates|ice-options)/.test(line));
      event.sdp = [...kept.filter(Boolean), ...candidates, "a=ice-options:trickle", ""].join("\r\n");
    };
    state.agent.call(target, { ...media(), eventHandlers: { sdp } });
    await until("no answer", () => state.events.includes("confirmed"));
    const later = ["m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", ...found, "a=end-of-candidates", ""];
    state.session.sendInfo("application/trickle-ice-sdpfrag", later.join("\r\n"));
    return found.length;
  },

  async answer(frequency) {
    await until("no call came", () => state.incoming);
    state.incoming.answer(media(frequency));
    state.incoming = null;
    await until("the call was not confirmed", () => state.events.includes("confirmed"));
  },

  async hold() {
    state.session.hold();
    await until("not held", () => state.session.isOnHold().local);
    await sleep(300);
  },

  async resume() {
    state.session.unhold();
    await until("not resumed", () => !state.session.isOnHold().local);
  },

  // New candidates and credentials in a re-INVITE.
  async restart() {
    const done = new Promise((resolve) => state.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } }, resolve));
    await done;
  },

  async press(keys) {
    const sender = state.session.connection.getSenders().find((sender) => sender.dtmf);
    sender.dtmf.insertDTMF(keys, 120, 80);
    await until("keys not sent", () => sender.dtmf.toneBuffer === "");
    await sleep(250);
  },

  hangUp() {
    state.session.terminate();
  },

  // What a page that crashed looks like from outside: nobody answers any more, and nobody says so.
  vanish() {
    state.session.connection.close();
  },

  // The connection ends, and the phone registers over another.
  async back() {
    await until("the connection stays", () => !state.agent.isConnected());
    await until("not registered again", () => state.agent.isRegistered());
  },

  async ended() {
    await until("the call goes on", () => state.session.isEnded());
  },

  // The strongest frequency that is heard, in Hz; 0 in silence.
  heard() {
    if (!state.analyser) return 0;
    const bins = new Float32Array(state.analyser.frequencyBinCount);
    state.analyser.getFloatFrequencyData(bins);
    let best = 0;
    for (let bin = 1; bin < bins.length; bin += 1) if (bins[bin] > bins[best]) best = bin;
    return bins[best] < -60 ? 0 : (best * state.context.sampleRate) / state.analyser.fftSize;
  },

  async hears(frequency) {
    await until(`does not hear ${frequency} Hz but ${this.heard()}`, () => Math.abs(this.heard() - frequency) < 12);
  },

  async hearsNothing() {
    await until("hears something", () => this.heard() === 0);
  },

  // The descriptions that are in force, ours and theirs.
  descriptions() {
    const { localDescription, remoteDescription } = state.session.connection;
    return [localDescription.sdp, remoteDescription.sdp];
  },

  async connection() {
    const all = [...(await state.session.connection.getStats()).values()];
    const transport = all.find((one) => one.type === "transport");
    const codec = all.find((one) => one.type === "inbound-rtp" && one.codecId);
    const pair = all.find((one) => one.id === transport?.selectedCandidatePairId);
    return {
      candidate: all.find((one) => one.id === pair?.localCandidateId)?.candidateType,
      dtls: transport?.tlsVersion,
      cipher: transport?.srtpCipher,
      state: state.session.connection.connectionState,
      codec: all.find((one) => one.id === codec?.codecId)?.mimeType,
    };
  },
};
