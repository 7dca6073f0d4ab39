import type { LoadProtocol } from './load/loadgen.ts'
import { advantage, median, spread } from './measure/stats.ts'
import type { Peer, PeerName } from './peers/peer.ts'
import type { Metric } from './plan.ts'

/** One measurement of one peer. */
export interface Sample {
  readonly value: number
  /** CPU of the proxy per operation or GB, in the metric's cost unit. */
  readonly cost?: number
  readonly errors: number
  readonly firstError?: string
  /** Share of TLS handshakes that were resumed, 0 to 1. */
  readonly resumed?: number
  /** What others used of the machine meanwhile, 0 to 1 of all cores. */
  readonly foreign?: number
}

/** What the samples of one metric and peer say together. */
export interface Cell {
  readonly value: number | undefined
  readonly spread: number | undefined
  readonly cost: number | undefined
  readonly resumed: number | undefined
  /** Samples that the medians stand on. */
  readonly samples: number
  /** Samples with errors. They count only when there are no others. */
  readonly flawed: number
}

/** Everything a run has measured. */
export class Results {
  readonly #samples = new Map<string, Map<PeerName, Sample[]>>()
  readonly #absences = new Map<string, { readonly peer: Peer; readonly why: string }>()
  readonly #errors = new Map<string, string>()

  /** Notes why a peer takes no part in a protocol's metrics. True when that is news. */
  noteAbsence(peer: Peer, protocol: LoadProtocol, why: string): boolean {
    const key = `${peer.name} ${protocol}`
    const news = this.#absences.get(key)?.why !== why
    this.#absences.set(key, { peer, why })
    return news
  }

  /** The first line of why a peer takes no part. */
  absence(metric: Metric, peer: PeerName): string | undefined {
    return this.#absences.get(`${peer} ${metric.group.protocol}`)?.why.split('\n', 1)[0]
  }

  add(metric: Metric, peer: PeerName, sample: Sample): void {
    const peers = this.#samples.get(metric.key) ?? new Map<PeerName, Sample[]>()
    this.#samples.set(metric.key, peers)
    peers.set(peer, [...(peers.get(peer) ?? []), sample])
    if (sample.errors > 0) this.#errors.set(`${metric.key} ${peer}`, `${sample.errors} errors, ${sample.firstError}`)
  }

  cell(metric: Metric, peer: PeerName): Cell {
    const all = this.#samples.get(metric.key)?.get(peer) ?? []
    const clean = all.filter((sample) => sample.errors === 0)
    const used = (clean.length > 0 ? clean : all).filter((sample) => sample.value > 0)
    const values = used.map((sample) => sample.value)
    const medianOf = (pick: (sample: Sample) => number | undefined) =>
      median(used.map(pick).filter((value) => value !== undefined))
    return {
      value: median(values),
      spread: spread(values),
      cost: medianOf((sample) => sample.cost),
      resumed: medianOf((sample) => sample.resumed),
      samples: used.length,
      flawed: all.length - clean.length,
    }
  }

  /** The peer's median against that of Dovecot's high-performance mode; above 1 is better for the peer. */
  ratio(metric: Metric, peer: PeerName): number | undefined {
    return advantage(this.cell(metric, peer).value, this.cell(metric, 'dovecot_hp').value, metric.better)
  }

  /** The last error of each metric and peer that had any, a line each. */
  errors(): string[] {
    return [...this.#errors].map(([where, what]) => `${where}: ${what}`)
  }

  /** The share of the machine that others used: in the middle sample and in the worst. */
  foreign(): { readonly median: number | undefined; readonly worst: number } {
    const shares = [...this.#samples.values()]
      .flatMap((peers) => [...peers.values()].flat())
      .map((sample) => sample.foreign)
      .filter((share) => share !== undefined)
    return { median: median(shares), worst: Math.max(0, ...shares) }
  }
}
