import { audioContext } from "@/phone/sound";

/** What one party of a conference hears: us and the others, mixed by this page. */
export class Mixture {
  readonly track: MediaStreamTrack;
  private readonly sources: MediaStreamAudioSourceNode[];

  constructor(parts: MediaStream[]) {
    const at = audioContext();
    const out = at.createMediaStreamDestination();
    this.sources = parts.map((part) => at.createMediaStreamSource(part));
    for (const source of this.sources) source.connect(out);
    this.track = out.stream.getAudioTracks()[0] as MediaStreamTrack;
  }

  close(): void {
    for (const source of this.sources) source.disconnect();
    this.track.stop();
  }
}
