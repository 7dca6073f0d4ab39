import type { Argument, ArgumentReader, ReadStep } from '../wire/argument-reader.ts'
import { Arguments } from './arguments.ts'
import type { NotFoundCode } from './refusal-reply.ts'
import type { ImapSession } from './session.ts'

/** What the client is told at the end of a command. */
export interface Reply {
  /** Behind the tag, without the times: `OK [READ-WRITE] Select completed`. */
  readonly text: string
  /** News of the selected mailbox go first. Without it they wait. */
  readonly sync?: SyncAfter
  /** What happens once all of this is said. */
  readonly after?: () => void
}

export interface SyncAfter {
  /** Messages that are gone may be said to be: no sequence numbers of a pipelined command are at stake. */
  readonly expunge: boolean
  /** With UID in every FETCH. */
  readonly uid?: boolean
  /** New mail may be told also with the workaround delay-newmail. */
  readonly safe?: boolean
  /** Look at the disk, however short ago that was done. */
  readonly look?: 'now'
}

/** How this very command was called. */
export interface Invocation {
  readonly tag: string
  /** As UID COMMAND. */
  readonly uid: boolean
}

/** A command of the authenticated or selected state. */
export type ImapCommand = OrdinaryCommand | ReadingCommand

interface CommandRow {
  readonly name: string
  readonly needs: 'authenticated' | 'selected'
  /** Without it in `mail_plugins` nobody knows the command. */
  readonly plugin?: string
  /** What a mailbox that is not there is called in the reply. */
  readonly notFound?: NotFoundCode
  /** It can be called as UID NAME; `only`: in no other way. */
  readonly uid?: 'also' | 'only'
}

export interface OrdinaryCommand extends CommandRow {
  readonly kind: 'ordinary'
  /** What follows the name does not count and is not looked at. */
  readonly bare: boolean
  start(session: ImapSession, args: readonly Argument[], call: Invocation): Reply | Promise<Reply>
}

/** It reads its arguments itself: messages on their way into a mailbox are too large for everybody else. */
export interface ReadingCommand extends CommandRow {
  readonly kind: 'reading'
  readonly uid?: never
  /** The first line is read; this is where that led. */
  read(session: ImapSession, reader: ArgumentReader, step: ReadStep, call: Invocation): Promise<Reply>
}

/** A row of the command table. `parse` throws BadCommand; `run` throws what stores throw. */
export function command<Args>(
  row: CommandRow & {
    readonly parse: (args: Arguments, call: Invocation) => Args
    readonly run: (session: ImapSession, args: Args, call: Invocation) => Reply | Promise<Reply>
  },
): OrdinaryCommand {
  const { parse, run, ...common } = row
  return {
    ...common,
    kind: 'ordinary',
    bare: false,
    start: (session, args, call) => run(session, parse(new Arguments(args), call), call),
  }
}

/** A row for a command without arguments. */
export function bareCommand(
  row: CommandRow & { readonly run: (session: ImapSession, call: Invocation) => Reply | Promise<Reply> },
): OrdinaryCommand {
  const { run, ...common } = row
  return { ...common, kind: 'ordinary', bare: true, start: (session, _args, call) => run(session, call) }
}
