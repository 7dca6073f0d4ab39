import { parseClusterUrl, RedisBus } from '../cluster/redis-bus.ts'
import type { Settings } from '../config/config.ts'
import type { Observer } from '../observe/events.ts'
import { revocationPath } from './revocation-file.ts'
import { SharedState } from './shared-state.ts'

/** The shared state of a server with these settings. Throws ClusterUrlError when `postern_cluster` cannot be used. */
export function openShared(settings: Settings, observer: Observer): SharedState {
  const { postern_cluster: url } = settings
  const cluster = url === '' ? undefined : { bus: new RedisBus(parseClusterUrl(url)), secret: url }
  return new SharedState({
    observer,
    revocationFile: revocationPath(settings),
    ...(cluster && { cluster }),
  })
}
