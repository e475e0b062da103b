import type { NanoPlayerConfig } from '../../../../beacon/src/adapters/nanoplayer';
import { NanoPlayerStandIn } from '../../../../beacon/test/support/nanoplayer';

/** Stands in for nanoPlayer's script: after its setup it emits the events of a play, again and again its statistics. */
class NanoPlayer extends NanoPlayerStandIn {
  setup(config: NanoPlayerConfig): Promise<NanoPlayerConfig> {
    const ready = super.setup(config);
    setTimeout(() => {
      this.loading();
      this.play();
      setInterval(() => this.stats(0.8, 1_200_000), 200);
    });
    return ready;
  }
}

Object.assign(window, { NanoPlayer });
