import { once } from 'node:events'
import { createServer } from 'node:net'
import { about } from '../../admin/doctor/about.ts'
import type { Finding } from '../../admin/doctor/finding.ts'
import type { Config, Filter } from '../../config/config.ts'
import { type LookUp, systemLookUp } from '../../proxy/resolve.ts'
import { normalizeIp } from '../../util/ip.ts'
import { distinctSettings, type Patient } from './patient.ts'

/** A name server that does not answer within this time is as good as none. */
const LOOKUP_MS = 5_000

/** Names in settings that do not resolve, and source addresses that this machine does not have. */
export async function checkAddresses(patient: Patient, lookUp: LookUp = systemLookUp): Promise<readonly Finding[]> {
  const found = new Map<string, Finding>()
  for (const [settings, filter] of distinctSettings(patient)) {
    const { login_source_ips, auth_proxy_self } = settings
    for (const finding of [
      ...(await checkSourceIps(patient.config, filter, login_source_ips, lookUp)),
      ...(await checkNames(patient.config, filter, auth_proxy_self, lookUp)),
    ]) {
      found.set(`${finding.text} ${finding.at?.line}`, finding)
    }
  }
  return [...found.values()]
}

/** A `?` in front of the list leaves out what cannot be bound: then that is no problem. */
async function checkSourceIps(
  config: Config,
  filter: Filter,
  setting: readonly string[],
  lookUp: LookUp,
): Promise<readonly Finding[]> {
  const isOptional = setting[0]?.startsWith('?') === true
  const words = setting.map((word) => word.replace(/^\?/, '')).filter((word) => word !== '')
  const findings: Finding[] = []
  for (const word of words) {
    const addresses = await addressesOf(word, lookUp)
    if (typeof addresses === 'string') {
      const text = `login_source_ips: ${word} does not resolve: ${addresses}`
      findings.push(about(config, filter, 'login_source_ips', 'error', text))
      continue
    }
    for (const address of isOptional ? [] : addresses) {
      if (await canBind(address)) continue
      const text = `login_source_ips: this machine does not have ${address}: logins that get it will fail`
      findings.push(about(config, filter, 'login_source_ips', 'error', text))
    }
  }
  return findings
}

async function checkNames(
  config: Config,
  filter: Filter,
  names: readonly string[],
  lookUp: LookUp,
): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const name of names) {
    const addresses = await addressesOf(name, lookUp)
    if (typeof addresses !== 'string') continue
    const text = `auth_proxy_self: ${name} does not resolve: ${addresses}`
    findings.push(about(config, filter, 'auth_proxy_self', 'warning', text))
  }
  return findings
}

/** The addresses, or what is wrong. */
async function addressesOf(word: string, lookUp: LookUp): Promise<readonly string[] | string> {
  const literal = normalizeIp(word)
  if (literal !== undefined) return [literal]
  const late = Promise.withResolvers<string>()
  const timer = setTimeout(() => late.resolve(`no answer within ${LOOKUP_MS / 1000} s`), LOOKUP_MS)
  try {
    return await Promise.race([lookUp(word), late.promise])
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    clearTimeout(timer)
  }
}

async function canBind(ip: string): Promise<boolean> {
  const server = createServer()
  try {
    server.listen({ host: ip, port: 0 })
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
