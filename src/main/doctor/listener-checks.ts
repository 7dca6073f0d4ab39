import { once } from 'node:events'
import { statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { dirname, resolve } from 'node:path'
import type { Finding } from '../../admin/doctor/finding.ts'
import type { Config, SourcePosition } from '../../config/config.ts'
import { decideListeners, type ListenerPlan } from '../../config/listeners.ts'
import { openMetricsListener } from '../metrics-listener.ts'
import { accessProblem } from '../unix-socket.ts'

/** Opens and closes every listener. When a server of this configuration runs, it has them, and they are left alone. */
export async function checkListening(config: Config, controlPath: string): Promise<readonly Finding[]> {
  if (await answers(controlPath)) {
    return [{ severity: 'info', text: `a server is running (${controlPath}): its listeners were not tried` }]
  }
  const findings: Finding[] = []
  for (const plan of decideListeners(config)) {
    const problem = plan.unix === undefined ? await listenProblem(plan) : socketProblem(plan, config)
    if (problem === undefined) continue
    const at = placeOf(config, plan)
    const where =
      plan.unix !== undefined
        ? plan.address
        : plan.address.includes(':')
          ? `[${plan.address}]:${plan.port}`
          : `${plan.address}:${plan.port}`
    const text = `service ${plan.service}: cannot listen on ${where}: ${problem}`
    findings.push({ severity: 'error', text, ...(at && { at }) })
  }
  return [...findings, ...(await checkMetrics(config))]
}

/** A small number is enough: an order of listeners, not of clients. */
async function listenProblem({ address, port }: ListenerPlan): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen({ host: address, port, ipv6Only: address === '::' })
    await once(server, 'listening')
    return undefined
  } catch (error) {
    return faultText(error)
  } finally {
    server.close()
  }
}

/** `base_dir` is made at the start; any other directory must be there. */
function socketProblem({ address, unix }: ListenerPlan, config: Config): string | undefined {
  const problem = unix && accessProblem(unix)
  const directory = dirname(address)
  if (problem !== undefined || directory === config.settings({}).base_dir) return problem
  return statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true ? undefined : `there is no ${directory}`
}

async function checkMetrics(config: Config): Promise<readonly Finding[]> {
  const { postern_metrics_listen: address } = config.settings({})
  if (address === '') return []
  try {
    const server = await openMetricsListener(address, async () => await Promise.resolve([]))
    server.close()
    return []
  } catch (error) {
    const at = config.origin('postern_metrics_listen', {})
    return [{ severity: 'error', text: `postern_metrics_listen = ${address}: ${faultText(error)}`, ...(at && { at }) }]
  }
}

function placeOf(config: Config, { service, name, address, unix }: ListenerPlan): SourcePosition | undefined {
  const found = config.services.get(service)
  if (unix === undefined) return found?.inetListeners.find((listener) => listener.name === name)?.at
  const { base_dir: baseDir } = config.settings({})
  return found?.unixListeners.find(({ path }) => resolve(baseDir, path) === address)?.at
}

function faultText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return FAULTS.get(code) ?? (error instanceof Error ? error.message : String(error))
}

const FAULTS: ReadonlyMap<unknown, string> = new Map([
  ['EADDRINUSE', 'the address is in use'],
  ['EACCES', 'permission denied (ports below 1024 need root)'],
  ['EADDRNOTAVAIL', 'this machine does not have the address'],
  ['ENOTFOUND', 'the name does not resolve'],
])

async function answers(path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(path)
  socket.once('connect', () => {
    socket.destroy()
    resolve(true)
  })
  socket.once('error', () => resolve(false))
  return await promise
}
