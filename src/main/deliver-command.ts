import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Settings } from '../config/config.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { INBOX } from '../delivery/target-mailbox.ts'
import type { Observer } from '../observe/events.ts'
import { StoreRefusal } from '../storage/refusal.ts'
import { applyUserdbFields } from '../storage/user/overrides.ts'
import { type CommandMail, openCommandMail } from './command-mail.ts'
import { DELIVER_USAGE, type DeliverOptions, readDeliverOptions } from './deliver-options.ts'
import { environmentFields } from './doveadm-mail.ts'
import { ConfigUnusable } from './local-auth.ts'
import { type OpenLog, openLog } from './log-setup.ts'
import type { DeliveryOrder } from './mail/mail-order.ts'
import { NoMailOwner } from './mail/mail-owner.ts'
import { orderDelivery } from './mail/remote-deliveries.ts'
import { NOBODY } from './mail/owner-lookup.ts'
import { takeConfigOptions } from './options.ts'
import { readFromLine } from './mbox-from-line.ts'

/** From sysexits.h. What a mail server does not know it would take for a refusal, so that everything unclear is `temporary`. */
const EX = { ok: 0, usage: 64, noUser: 67, temporary: 75, refused: 77 } as const
const LOOKUP_MS = 60_000

/** `postern deliver ...`: resolves with the exit status when the message is on disk, or is not. */
export async function deliverCommand(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    process.stdout.write(DELIVER_USAGE)
    return EX.ok
  }
  const options = readDeliverOptions(argv)
  if ('problem' in options) {
    process.stderr.write(`lda: Fatal: ${options.problem}\n${DELIVER_USAGE}`)
    return EX.usage
  }
  if (options.user === undefined && (process.geteuid?.() === 0 || (process.env.USER ?? '') === '')) {
    process.stderr.write('lda: Fatal: destination user parameter (-d user) not given\n')
    return EX.usage
  }
  const log = new LazyLog()
  // A bug must not bounce mail.
  process.once('uncaughtException', (error) => {
    process.stderr.write(`${error.stack ?? error.message}\n`)
    process.exit(EX.temporary)
  })
  try {
    return await deliverWith(options, log)
  } catch (error) {
    if (error instanceof ConfigUnusable) process.stderr.write(`${error.message}\n`)
    else log.log('error', 'lda', error instanceof Error ? (error.stack ?? error.message) : String(error))
    return EX.temporary
  } finally {
    log.close()
  }
}

async function deliverWith(options: DeliverOptions, log: LazyLog): Promise<number> {
  const path = options.config ?? takeConfigOptions([]).path
  const mail = await openCommandMail(path, overridesFor(options), log)
  try {
    log.open(openLog(mail.local.config.settings({ protocol: 'lda' })))
    const found = await lookUp(mail, options)
    if (found.kind !== 'found') return found.kind === 'unknown' ? EX.noUser : EX.temporary
    return await deliver(mail, options, found, log)
  } finally {
    await mail.close()
  }
}

/** Whoever runs it is asked of no database: the configuration need not have any. */
function overridesFor({ user, overrides }: DeliverOptions): readonly string[] {
  return user === undefined ? ['auth_mechanisms=anonymous', ...overrides] : overrides
}

type Found =
  | { readonly kind: 'found'; readonly user: string; readonly fields: DeliveryOrder['fields'] }
  | { readonly kind: 'unknown' | 'temporary' }

async function lookUp({ local }: CommandMail, { user }: DeliverOptions): Promise<Found> {
  if (user === undefined) return { kind: 'found', user: process.env.USER ?? '', fields: environmentFields() }
  const asker = { ...NOBODY, service: 'lda' }
  const found = await local.auth.lookupUser(asker, user, undefined, AbortSignal.timeout(LOOKUP_MS))
  if (found.kind !== 'found') return { kind: found.kind }
  return { kind: 'found', user: found.user, fields: [...found.fields] }
}

async function deliver(
  mail: CommandMail,
  options: DeliverOptions,
  { user, fields }: Extract<Found, { kind: 'found' }>,
  log: Observer,
): Promise<number> {
  const piped = await readFromLine(options.path === undefined ? process.stdin : fileBytes(options.path))
  const order: DeliveryOrder = {
    kind: 'delivery',
    service: 'lda',
    mailbox: options.mailbox ?? INBOX,
    user,
    fields,
    hostname: mail.local.hostname,
    localIp: '',
    remoteIp: '',
    session: randomBytes(16).toString('base64').replaceAll('=', ''),
    detail: '',
    from: options.from ?? piped.sender ?? 'MAILER-DAEMON',
    to: options.original ?? (user.includes('@') ? user : `${user}@${mail.local.hostname}`),
    isOriginalUnknown: options.original === undefined,
  }
  try {
    await save(mail, order, piped.bytes)
    return EX.ok
  } catch (error) {
    const known = error instanceof StoreRefusal || error instanceof NoMailOwner
    const text = error instanceof Error ? ((known ? undefined : error.stack) ?? error.message) : String(error)
    const isFull = error instanceof StoreRefusal && error.code === 'over-quota'
    if (!isFull) {
      log.log('error', `lda(${user})`, text)
      return EX.temporary
    }
    if (options.tellsSender) process.stderr.write(`${text}\n`)
    return settingsOf(mail, fields).quota_full_tempfail ? EX.temporary : EX.refused
  }
}

/** As the userdb has them for the user. */
function settingsOf({ local }: CommandMail, fields: DeliveryOrder['fields']): Settings {
  return applyUserdbFields(local.config, { protocol: 'lda' }, new Map(fields)).settings
}

async function save(
  { local, host, placeOf }: CommandMail,
  order: DeliveryOrder,
  source: AsyncIterable<Buffer>,
): Promise<void> {
  const settings = local.config.settings({ protocol: 'lda' })
  const place = await placeOf(order.user, new Map(order.fields), settings)
  if (place.kind === 'there') {
    const delivery = await orderDelivery(await place.socket(), order)
    try {
      await stream(delivery, source)
    } finally {
      delivery.close()
    }
    return
  }
  const open = await host.openDelivery(order)
  try {
    await stream(open.delivery, source)
  } finally {
    await open.delivery.abort()
    await open.close()
  }
}

/** Opened when it is read, so that a file that is not there is the reader's. */
async function* fileBytes(path: string): AsyncIterable<Buffer> {
  yield* createReadStream(path) as AsyncIterable<Buffer>
}

async function stream(delivery: Delivery, source: AsyncIterable<Buffer>): Promise<void> {
  await delivery.begin()
  for await (const chunk of source) await delivery.write(chunk)
  await delivery.finish()
}

/** Lines that come before the log is open go to standard error. */
class LazyLog implements Observer {
  #log: OpenLog | undefined

  open(log: OpenLog): void {
    this.#log = log
  }

  readonly emit: Observer['emit'] = (name, fields) => this.#log?.emit(name, fields)

  readonly log: Observer['log'] = (level, service, text) => {
    if (this.#log !== undefined) this.#log.log(level, service, text)
    else if (level !== 'debug' && level !== 'info') process.stderr.write(`${service}: ${text}\n`)
  }

  close(): void {
    this.#log?.flushSync()
    this.#log?.close()
  }
}
