import type { Config, Filter, Settings } from '../../config/config.ts'

/** A configuration under examination, and the kinds of connections that its blocks tell apart. */
export interface Patient {
  readonly config: Config
  readonly filters: readonly Filter[]
}

/** Each different set of settings once, with the filter that leads to it. */
export function* distinctSettings({ config, filters }: Patient): Generator<readonly [Settings, Filter]> {
  const seen = new Set<Settings>()
  for (const filter of filters) {
    const settings = config.settings(filter)
    if (seen.has(settings)) continue
    seen.add(settings)
    yield [settings, filter]
  }
}
