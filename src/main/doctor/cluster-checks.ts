import type { Finding } from '../../admin/doctor/finding.ts'
import { RedisBus, parseClusterUrl } from '../../cluster/redis-bus.ts'
import type { Config } from '../../config/config.ts'

/** Whether the Redis of `postern_cluster` answers. A server starts without it, and goes on alone. */
export async function checkCluster(config: Config): Promise<readonly Finding[]> {
  const { postern_cluster: url } = config.settings({})
  if (url === '') return []
  const problem = await problemOf(url)
  if (problem === undefined) return []
  const at = config.origin('postern_cluster', {})
  return [{ severity: 'warning', text: `postern_cluster cannot be reached: ${problem}`, ...(at && { at }) }]
}

async function problemOf(url: string): Promise<string | undefined> {
  let bus: RedisBus
  try {
    bus = new RedisBus(parseClusterUrl(url))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  bus.open({ onMessage: () => undefined, onUp: () => resolve(undefined), onDown: resolve })
  const problem = await promise
  await bus.close()
  return problem
}
