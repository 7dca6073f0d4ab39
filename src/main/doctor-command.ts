import { statSync } from 'node:fs'
import { hostname } from 'node:os'
import { checkConfig } from '../admin/doctor/config-checks.ts'
import type { Finding } from '../admin/doctor/finding.ts'
import { checkKeyFiles } from '../admin/doctor/key-file-checks.ts'
import { doctorStatus, type FindingGroup, printReport, reportJson } from '../admin/doctor/report.ts'
import type { Config, ConfigInput, Filter } from '../config/config.ts'
import { ignoredSettings } from '../config/ignored.ts'
import { findLatentConflicts } from '../config/latent-conflicts.ts'
import { assumeConfig, loadConfig } from '../config/load.ts'
import { readConfig } from '../config/read.ts'
import { findValueFiles } from '../config/value-files.ts'
import { silent } from '../observe/events.ts'
import { authServiceInput } from './auth-service-input.ts'
import { systemFiles } from './config-files.ts'
import { controlPath } from './control-path.ts'
import { checkBareSockets } from './bare-sockets.ts'
import { checkAddresses } from './doctor/address-checks.ts'
import { checkCertificates } from './doctor/certificate-checks.ts'
import { checkCluster } from './doctor/cluster-checks.ts'
import { checkReach } from './doctor/database-checks.ts'
import { checkFiles } from './doctor/file-checks.ts'
import { checkListening } from './doctor/listener-checks.ts'
import { checkLocalUsers } from './doctor/local-user-checks.ts'
import { takeConfigOptions, UsageError } from './options.ts'
import { openOutput } from './output.ts'

const EX_USAGE = 64

const HELP = `usage: postern doctor [-c FILE] [-o key=value ...] [--json]

Finds all problems of a configuration at once: errors, settings without effect, insecure combinations, databases that
cannot be reached, certificates and keys that do not work, listeners that cannot be opened, files that cannot be written.
Run it as the user that the server runs as. Prints one finding a line, ERROR, WARNING or INFO, file, line and text.

Exit status: 0 nothing but notes; 1 warnings; 89 errors; 64 usage.
`

/** `postern doctor`: resolves with the exit status. */
export async function doctorCommand(argv: readonly string[]): Promise<number> {
  const { stdout, stderr } = openOutput()
  if (argv.includes('--help') || argv.includes('-h')) {
    stdout(HELP)
    return 0
  }
  try {
    const { path, overrides, rest } = takeConfigOptions(argv)
    const unknown = rest.find((word) => word !== '--json')
    if (unknown !== undefined) throw new UsageError(`unexpected argument '${unknown}'`)
    const groups = await examine({ path, overrides, files: systemFiles(), hostname: hostname() })
    stdout(rest.includes('--json') ? reportJson(groups) : printReport(path, groups))
    return doctorStatus(groups)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    stderr(`postern doctor: ${error.message}\n\n${HELP}`)
    return EX_USAGE
  }
}

async function examine(input: ConfigInput): Promise<readonly FindingGroup[]> {
  const loaded = loadConfig(input)
  // With errors, there is still more to look at.
  const config = loaded.config ?? assumeConfig(input)
  const complaints = loaded.config === undefined ? [...loaded.complaints, ...unfinished(input)] : loaded.complaints
  const findings = [...checkConfig(config, complaints), ...checkKeyFiles(findValueFiles(input), modeOf)]
  const groups: readonly FindingGroup[] = [
    { area: 'configuration', findings: findings.filter((finding) => !isIgnored(finding)) },
    { area: 'settings without effect', findings: findings.filter(isIgnored) },
  ]
  return config === undefined ? groups : [...groups, ...(await examineWorld(config, input))]
}

/** What loading looks at only when there are no errors. */
function unfinished(input: ConfigInput): readonly Finding[] {
  const { blocks } = readConfig(input, true)
  return [...findLatentConflicts(blocks), ...ignoredSettings(blocks)]
}

/** What the configuration needs of this machine and of others. */
async function examineWorld(config: Config, input: ConfigInput): Promise<readonly FindingGroup[]> {
  const patient = { config, filters: filtersOf(config, input) }
  const name = config.settings({}).hostname || hostname()
  return [
    { area: 'databases', findings: await checkReach(authServiceInput(config, input.files, silent, name)) },
    { area: 'users', findings: checkLocalUsers(config, input.files) },
    { area: 'certificates', findings: checkCertificates(patient, Date.now()) },
    { area: 'listeners', findings: await checkListening(config, controlPath(config.settings({}))) },
    { area: 'sockets', findings: await checkBareSockets(config) },
    { area: 'addresses', findings: await checkAddresses(patient) },
    { area: 'cluster', findings: await checkCluster(config) },
    { area: 'files', findings: checkFiles(config) },
  ]
}

/** A connection of every kind that the blocks of the configuration tell apart. */
function filtersOf(config: Config, input: ConfigInput): readonly Filter[] {
  const blocks = readConfig(input, false).blocks.flatMap(({ filter: { protocol, local, localName, remote } }) => {
    const filter: Filter = {
      ...(protocol !== undefined && !protocol.startsWith('!') && { protocol }),
      ...(local !== undefined && { localIp: local.address.toString() }),
      ...(remote !== undefined && { remoteIp: remote.address.toString() }),
    }
    return localName === undefined ? [filter] : hostNames(localName).map((name) => ({ ...filter, localName: name }))
  })
  return [{}, ...blocks, ...config.settings({}).protocols.map((protocol) => ({ protocol }))]
}

/** The names of a `local_name`, with a word for each `*`. */
function hostNames(localName: string): readonly string[] {
  return localName
    .split(' ')
    .filter((name) => name !== '')
    .map((name) => name.replaceAll('*', 'www'))
}

function isIgnored({ text }: Finding): boolean {
  return text.includes(' has no effect: ')
}

function modeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mode
}
