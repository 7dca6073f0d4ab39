import { join } from 'node:path'
import { ExpandError } from '../../config/expand.ts'
import { compileLate, splitBlanks } from '../field-template.ts'
import type { PamAnswer } from '../pam/question.ts'
import { PamWorkers } from '../pam/workers.ts'
import {
  DatabaseConfigError,
  type DatabaseNeeds,
  type DatabaseRequest,
  type Passdb,
  type PassdbDriver,
  type VerifyReply,
} from './passdb.ts'

/** `pam`: the system's pluggable authentication modules, in processes of their own. */
export const pamPassdb = {
  name: 'pam',
  open(text, needs): Passdb {
    const args = parseArgs(text)
    if (args.showsMessage)
      needs.complain({
        severity: 'warning',
        text: 'passdb pam: failure_show_msg is not supported: the message goes to the log',
      })
    const workers = new PamWorkers(args.maxRequests, needs.maxWorkers, needs.clock)
    const service = compileLate(args.service)
    return {
      defaultScheme: 'PLAIN',
      ...(args.cacheKey !== '' && { cacheKey: args.cacheKey }),
      async verify(request, password, signal): Promise<VerifyReply> {
        if (request.user.includes('\0') || password.reveal().includes(0)) return { kind: 'unknown' }
        try {
          const question = {
            service: service.expand(request.lookup),
            confdir: args.confdir,
            user: request.user,
            password: password.reveal().toString('base64'),
            remoteIp: request.lookup('rip') ?? '',
            setcred: args.setcred,
            session: args.session,
          }
          // A name with a slash would be a file anywhere.
          if (question.service.includes('/')) return { kind: 'internal-failure', log: 'pam: service name with a slash' }
          return replyFrom(await workers.ask(question, signal), request)
        } catch (error) {
          const what = error instanceof ExpandError ? 'Failed to expand service' : 'pam'
          return { kind: 'internal-failure', log: `${what}: ${error instanceof Error ? error.message : String(error)}` }
        }
      },
      check: async () => await checkPam(workers, args, service, needs),
      close: () => Promise.resolve(workers.close()),
    }
  },
} as const satisfies PassdbDriver

/** libpam must be there, and the service's file, unless logins choose it. */
async function checkPam(
  workers: PamWorkers,
  { confdir }: PamArgs,
  service: ReturnType<typeof compileLate>,
  { files }: DatabaseNeeds,
): Promise<string | undefined> {
  try {
    await workers.check()
    if (!service.isConstant) return undefined
    const path = join(
      confdir ?? '/etc/pam.d',
      service.expand(() => ''),
    )
    await files.stat(path)
    return undefined
  } catch (error) {
    return `pam: ${error instanceof Error ? error.message : String(error)}`
  }
}

interface PamArgs {
  service: string
  confdir: string | null
  cacheKey: string
  session: boolean
  setcred: boolean
  showsMessage: boolean
  maxRequests: number
}

function parseArgs(text: string): PamArgs {
  const args: PamArgs = {
    service: 'dovecot',
    confdir: null,
    cacheKey: '',
    session: false,
    setcred: false,
    showsMessage: false,
    maxRequests: 100,
  }
  for (const word of splitBlanks(text)) {
    const [, name = '', value = ''] =
      /^-?(session|setcred|failure_show_msg|max_requests|cache_key|confdir)(?:=(.*))?$/.exec(word) ?? []
    if (name === '' && /^-|=/.test(word)) throw new DatabaseConfigError(`passdb pam: Unknown setting: ${word}`)
    const isYes = value === 'yes' || word.startsWith('-')
    if (name === 'session') args.session = isYes
    else if (name === 'setcred') args.setcred = isYes
    else if (name === 'failure_show_msg') args.showsMessage = isYes
    else if (name === 'cache_key') args.cacheKey = value
    else if (name === 'confdir') args.confdir = value
    else if (name === 'max_requests') args.maxRequests = positive(value)
    else args.service = word === '*' ? '%s' : word
  }
  return args
}

function positive(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new DatabaseConfigError(`passdb pam: Invalid requests_max value: ${text}`)
}

/** Return values of pam(3) on Linux. */
const CODES = new Map<number, 'unknown' | 'password-mismatch' | 'password-expired'>([
  [6, 'password-mismatch'],
  [7, 'password-mismatch'],
  [8, 'password-mismatch'],
  [10, 'unknown'],
  [11, 'password-mismatch'],
  [12, 'password-expired'],
  [13, 'password-expired'],
  [16, 'password-expired'],
  [27, 'password-expired'],
])

function replyFrom({ step, code, text, user = '' }: PamAnswer, request: DatabaseRequest): VerifyReply {
  if (code === 0) return { kind: 'found', fields: [{ name: 'user', value: user, from: 'PAM_USER' }] }
  const kind = CODES.get(code)
  const log = `${step}() failed: ${text}`
  // What is no verdict about the password is a fault of the system.
  if (kind === undefined) return { kind: 'internal-failure', log }
  if (kind === 'unknown') request.logUnknownUser()
  else request.logDatabase('info', log)
  return { kind }
}
