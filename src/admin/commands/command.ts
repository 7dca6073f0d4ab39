import type { ControlRequest } from '../control/wire.ts'
import type { Column, OpenPrinter, Printer } from '../output/printer.ts'
import type { MailAdmin } from './mail/mail-admin.ts'

/** A command of `postern doveadm`: its line in the help, its page in the manual, and what it does. */
export interface Command {
  /** `proxy list`. */
  readonly name: string
  /** What follows the name: `[-1] [<user mask>] [<ip/bits>]`. */
  readonly usage: string
  /** What it does, in one sentence. */
  readonly summary: string
  /** Paragraphs for its page in the manual. */
  readonly details?: readonly string[]
  readonly options: readonly CommandOption[]
  /** Options stand before the first word; what looks like one behind it is a word. */
  readonly hasWordsLast?: true
  /** What its listing has, for the manual. */
  readonly columns?: readonly Column[]
  /** Exit statuses besides those that all commands share. */
  readonly statuses?: readonly (readonly [status: number, meaning: string])[]
  /** Runs it with what stood behind its name. Resolves with the exit status. */
  run(call: CommandCall): Promise<number>
}

export interface CommandOption {
  readonly letter: string
  /** `--name` means the same as the letter; Dovecot's commands have none. */
  readonly long?: string
  /** What stands for its value in the help; an option without is a switch. */
  readonly value?: string
  readonly doc: string
}

/** A command line, read, and the world. */
export interface CommandCall {
  readonly words: readonly string[]
  /** What stood behind the name, options and all. */
  readonly argv: readonly string[]
  readonly has: (letter: string) => boolean
  /** Of an option given twice, the last value. */
  readonly value: (letter: string) => string | undefined
  readonly values: (letter: string) => readonly string[]
  readonly out: CommandOutput
  /** Asks the running server, and complains where the server does. Rejects with ControlUnavailable. */
  readonly ask: (
    request: ControlRequest,
    onRow?: (row: Readonly<Record<string, string>>) => void,
  ) => Promise<ServerAnswer>
  readonly readPassword: (prompt: string) => Promise<string>
  /** Users' mail on this machine, opened when it is first asked for. */
  readonly mail: MailAdmin
  /** How far long work is, for a terminal; empty when it is done. */
  readonly progress: (text: string) => void
}

export interface ServerAnswer {
  readonly status: number
}

export interface CommandOutput {
  /** The format of `-f`; without, each command has its own. */
  readonly format: OpenPrinter | undefined
  /** Begins a listing in the format of `-f`, else in this one. */
  open(columns: readonly Column[], fallback: OpenPrinter): Printer
  print(text: string): void
  /** A line on standard error: `Error: text`. */
  complain(text: string, severity?: string): void
  /** Text for standard error as it is. */
  printError(text: string): void
}

/** The exit statuses of doveadm, from sysexits.h. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  noUser: 67,
  notFound: 68,
  temporary: 75,
  permission: 77,
  config: 78,
} as const

/** The command line makes no sense; the message says why. The command's usage is shown when there is none. */
export class CommandUsageError extends Error {
  override readonly name = 'CommandUsageError'
}

/** Every command that talks to the server takes this. */
export const SOCKET_OPTION: CommandOption = {
  letter: 'a',
  value: 'control socket path',
  doc: 'The socket of the server, when it is not the one that the configuration names.',
}
