// `postern doveconf`: Dovecot's command of the same name, with its flags, output and exit status.
import type { Complaint } from '../../config/complaint.ts'
import type { ConfigFiles } from '../../config/config.ts'
import { type ListingOptions, printConfig, printFlat, printNamed } from '../../config/print/print-conf.ts'
import { type ReadConfig, readConfig, readDefaults } from '../../config/read.ts'
import { type DoveconfOptions, parseDoveconfOptions } from './doveconf-options.ts'

/** Dovecot's exit status for a configuration with errors, and for a wrong command line. */
const FATAL_STATUS = 89

export interface DoveconfIo {
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  readonly files: ConfigFiles
  readonly hostname: string
  /** Such as `Postern 1.0.0`, for the first line of a listing. */
  readonly product?: string
  /** Such as `Linux 6.1.0 x86_64`. */
  readonly system?: string
  readonly env?: ReadonlyMap<string, string>
  /** The configuration to read without `-c`. */
  readonly defaultPath?: string
}

/** Runs `doveconf` with the words behind its name and returns the exit status. */
export function runDoveconf(argv: readonly string[], io: DoveconfIo): number {
  const options = parseDoveconfOptions(argv, io.files)
  if ('error' in options) return fail(io, options.error)
  if ('usage' in options) {
    io.stderr(`doveconf: ${options.usage}\n`)
    return FATAL_STATUS
  }
  const path = options.path ?? io.defaultPath ?? '/etc/dovecot/dovecot.conf'
  const isListing = options.names.length === 0 && !options.flat
  if (isListing) io.stdout(`# ${io.product ?? 'Postern'}: ${path}\n`)
  const read = readAs(options, path, io)
  for (const complaint of [...read.complaints, ...read.findings]) warn(io, complaint)
  const broken = read.complaints.filter(({ severity }) => severity === 'error')
  if (broken.length > 0) return failReading(io, broken)
  if (isListing) printHeader(io, options)
  for (const line of print(read, options)) io.stdout(`${line}\n`)
  // A single setting can be asked for even when the whole does not fit together.
  return options.names.length > 0 ? 0 : failChecks(io, path, read.findings)
}

function readAs(options: DoveconfOptions, path: string, io: DoveconfIo): ReadConfig {
  if (options.defaults) return readDefaults(path)
  const { files, hostname, env = new Map<string, string>() } = io
  return readConfig({ path, files, hostname, env, overrides: options.overrides }, options.expand)
}

function printHeader(io: DoveconfIo, options: DoveconfOptions): void {
  if (io.system !== undefined) io.stdout(`# OS: ${io.system}\n`)
  io.stdout(`# Hostname: ${io.hostname}\n`)
  if (!options.brief) io.stdout('# NOTE: Send doveconf -n output instead when asking for help.\n')
}

function print(read: ReadConfig, options: DoveconfOptions): readonly string[] {
  const { scope, query, parts, showSecrets } = options
  const listing: ListingOptions = { scope, query, parts, showSecrets }
  if (options.names.length > 0) {
    return options.names.flatMap((name) => printNamed(read, name, listing, options.flat, options.valuesOnly))
  }
  return options.flat ? printFlat(read, listing) : printConfig(read, listing)
}

function warn(io: DoveconfIo, { severity, text }: Complaint): void {
  if (severity === 'warning') io.stderr(`doveconf: Warning: ${text}\n`)
  else if (severity === 'info') io.stderr(`doveconf: Info: ${text}\n`)
}

/** Dovecot stops at the first error; the ones it would not have come to are told before it. */
function failReading(io: DoveconfIo, errors: readonly Complaint[]): number {
  const [first, ...others] = errors.map(({ text, at }) =>
    at === undefined ? text : `Error in configuration file ${at.file} line ${at.line}: ${text}`,
  )
  for (const other of others) io.stderr(`doveconf: Error: ${other}\n`)
  return fail(io, first ?? '')
}

function failChecks(io: DoveconfIo, path: string, findings: readonly Complaint[]): number {
  const errors = findings.filter(({ severity }) => severity === 'error')
  const [first] = errors
  if (first === undefined) return 0
  for (const { text } of errors) io.stderr(`doveconf: Error: ${text}\n`)
  return fail(io, `Error in configuration file ${path}: ${first.text}`)
}

function fail(io: DoveconfIo, text: string): number {
  io.stderr(`doveconf: Fatal: ${text}\n`)
  return FATAL_STATUS
}
