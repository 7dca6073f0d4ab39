import type { FileListenerSettings, ServiceSettings } from '../config.ts'
import type { Settings } from '../settings/index.ts'
import type { Finding } from './finding.ts'

const TYPES = ['', 'log', 'config', 'anvil', 'login', 'worker', 'startup']
/** Services of which Dovecot runs exactly one process. */
const SINGLE = ['anvil', 'auth', 'director', 'indexer', 'ipc', 'log', 'old-stats', 'replicator']
const LEAST_MEMORY = 1024 * 1024

/** Services, their limits, and whether two listeners want the same port. */
export function checkServices(settings: Settings, services: readonly ServiceSettings[]): readonly Finding[] {
  const enabled = services.filter((service) => isEnabled(settings, service))
  return [
    ...checkNames(services),
    ...checkProtocols(settings, services),
    ...enabled.flatMap((service) => [...checkService(settings, service)]),
    ...checkListeners(settings, enabled),
  ]
}

/** Sockets below base_dir need not repeat it. */
export function warnAboutSockets(settings: Settings, services: readonly ServiceSettings[]): readonly Finding[] {
  const base = settings.base_dir
  return services
    .filter((service) => isEnabled(settings, service))
    .flatMap(({ unixListeners, fifoListeners }) => [
      ...unixListeners.map(({ path }) => ({ kind: 'unix_listener', path })),
      ...fifoListeners.map(({ path }) => ({ kind: 'fifo_listener', path })),
    ])
    .filter(({ path }) => path.startsWith(`${base}/`))
    .map(({ kind, path }) => ({ text: `You should remove base_dir prefix from ${kind}: ${path}` }))
}

/** Whether `protocols` lets a service run. */
export function isEnabled(settings: Settings, service: ServiceSettings): boolean {
  return service.protocol === '' || settings.protocols.includes(service.protocol)
}

function* checkNames(services: readonly ServiceSettings[]): Generator<Finding> {
  for (const [index, { name, type }] of services.entries()) {
    if (name === '') yield { text: `Service #${index} is missing name` }
    if (!TYPES.includes(type)) yield { text: `Unknown service type: ${type}`, path: `service/${name}/type` }
  }
}

function* checkProtocols({ protocols, listen }: Settings, services: readonly ServiceSettings[]): Generator<Finding> {
  if (listen.length === 0) yield { text: "listen can't be set empty", path: 'listen' }
  if (protocols.length === 1 && protocols[0] === 'none') return
  const known = new Set(services.map(({ protocol }) => protocol))
  for (const protocol of protocols) {
    if (!known.has(protocol)) yield { text: `protocols: Unknown protocol: ${protocol}`, path: 'protocols' }
  }
}

function* checkService(settings: Settings, service: ServiceSettings): Generator<Finding> {
  const { name, process_limit, process_min_avail, vsz_limit } = service
  const path = (key: string) => `service/${name}/${key}`
  if (process_min_avail > (process_limit === 0 ? settings.default_process_limit : process_limit)) {
    const text = `service(${name}): process_min_avail is higher than process_limit`
    yield { text, path: path('process_min_avail') }
  }
  if (vsz_limit !== 0 && vsz_limit < LEAST_MEMORY) {
    yield { text: `service(${name}): vsz_limit is too low`, path: path('vsz_limit') }
  }
  if (SINGLE.includes(name) && process_limit !== 1) {
    yield { text: `service(${name}): process_limit must be 1`, path: path('process_limit') }
  }
  if (service.drop_priv_before_exec && service.chroot !== '') {
    const text = `service(${name}): drop_priv_before_exec=yes can't be used with chroot`
    yield { text, path: path('drop_priv_before_exec') }
  }
  yield* checkPaths(name, 'unix_listener', service.unixListeners)
  yield* checkPaths(name, 'fifo_listener', service.fifoListeners)
}

function* checkPaths(service: string, kind: string, listeners: readonly FileListenerSettings[]): Generator<Finding> {
  for (const { path } of listeners) {
    if (path === '') yield { text: `service(${service}): ${kind}: path must not be empty` }
  }
}

function* checkListeners(settings: Settings, services: readonly ServiceSettings[]): Generator<Finding> {
  const seen = new Set<string>()
  for (const { name, inetListeners, unixListeners, fifoListeners } of services) {
    for (const listener of inetListeners) {
      // Dovecot compares address lists as they are written.
      const listens = `${listener.port}:${listener.address.join(' ')}`
      if (listener.port !== 0 && seen.has(listens)) {
        yield { text: `duplicate listener: ${listens}`, path: `service/${name}/inet_listener/${listener.name}/port` }
      }
      seen.add(listens)
    }
    for (const { path, mode } of [...unixListeners, ...fifoListeners]) {
      if (mode === 0 || path === '') continue
      const full = path.startsWith('/') ? path : `${settings.base_dir}/${path}`
      if (seen.has(full)) yield { text: `duplicate listener: ${full}` }
      seen.add(full)
    }
  }
}
