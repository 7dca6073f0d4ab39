import { createServer } from 'node:net'
import type { Observer } from '../observe/events.ts'
import { ipFamily, normalizeIp } from '../util/ip.ts'
import type { LookUp } from './resolve.ts'

/** Local addresses for connections to backends, from `login_source_ips`. */
export interface SourceIps {
  /** The next address of the list that has the backend's family; undefined lets the system choose. Never rejects. */
  next(setting: readonly string[], backendIp: string): Promise<string | undefined>
  /** Resolves the names of a list, as Dovecot does at its start; otherwise the first login does it. */
  prepare(setting: readonly string[]): Promise<void>
}

interface Prepared {
  readonly addresses: readonly string[]
  turn: number
}

export interface SourceIpsOptions {
  readonly observer: Observer
  readonly lookUp: LookUp
  readonly canBind?: (ip: string) => Promise<boolean>
  /** 0 to below 1: where each list begins, so that not every process starts with the same address. */
  readonly random?: () => number
}

/**
 * Takes turns through each list. Names are resolved once; a `?` in front of the whole list leaves out what this machine
 * cannot bind, without it such an address fails the logins it is used for.
 */
export function createSourceIps(options: SourceIpsOptions): SourceIps {
  const { random = Math.random } = options
  // Keyed by the setting itself: a reload makes a new list, which is resolved anew.
  const lists = new WeakMap<readonly string[], Promise<Prepared>>()
  const prepared = async (setting: readonly string[]): Promise<Prepared> => {
    const known = lists.get(setting)
    if (known !== undefined) return await known
    const preparing = prepareList(setting, options, random)
    lists.set(setting, preparing)
    return await preparing
  }
  return {
    prepare: async (setting) => void (await prepared(setting)),
    async next(setting, backendIp) {
      if (setting.length === 0) return undefined
      const list = await prepared(setting)
      const family = ipFamily(backendIp)
      for (let tries = 0; tries < list.addresses.length; tries++) {
        const address = list.addresses[list.turn++ % list.addresses.length]
        if (address !== undefined && ipFamily(address) === family) return address
      }
      return undefined
    },
  }
}

async function prepareList(
  setting: readonly string[],
  { observer, lookUp, canBind = canBindHere }: SourceIpsOptions,
  random: () => number,
): Promise<Prepared> {
  const onlyUsable = setting[0]?.startsWith('?') === true
  const words = setting
    .map((word, index) => (index === 0 && onlyUsable ? word.slice(1) : word))
    .filter((word) => word !== '')
  const addresses: string[] = []
  for (const word of words) {
    for (const address of await addressesOf(word, lookUp, observer)) {
      if (!onlyUsable || (await canBind(address))) addresses.push(address)
    }
  }
  return { addresses, turn: Math.floor(random() * addresses.length) }
}

async function addressesOf(word: string, lookUp: LookUp, observer: Observer): Promise<readonly string[]> {
  const literal = normalizeIp(word)
  if (literal !== undefined) return [literal]
  try {
    return await lookUp(word)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    observer.log('error', 'proxy', `login_source_ips: ${word} could not be resolved: ${reason}`)
    return []
  }
}

/** Asks the kernel by binding, as interfaces do not tell all: every address of 127.0.0.0/8 can be bound. */
async function canBindHere(ip: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen({ host: ip, port: 0 }, () => server.close(() => resolve(true)))
  return await promise
}
