import type { Soon } from '../../../util/soon.ts'
import type { LoginEnd } from '../../protocol.ts'
import type { Argument } from '../wire/argument-reader.ts'
import type { LoginDialogue } from './dialogue.ts'

/** What a command leads to: nothing further, a complaint about its arguments, or the end of the conversation. */
export type CommandOutcome = undefined | 'bad' | LoginEnd

/** A command that strangers may send. */
export type LoginCommand = ParsedCommand | RawCommand

/** Its arguments are read to the end of the line, literals included, before it runs. */
export interface ParsedCommand {
  readonly kind: 'parsed'
  /** The command with its literals; without it the common limit holds. */
  readonly limits?: { readonly commandBytes: number; readonly lists: number }
  run(dialogue: LoginDialogue, tag: string, args: readonly Argument[]): Soon<CommandOutcome>
}

/** It gets what follows its name and one blank, as it came. */
export interface RawCommand {
  readonly kind: 'raw'
  run(dialogue: LoginDialogue, tag: string, rest: string): Soon<CommandOutcome>
}
