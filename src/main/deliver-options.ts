import { readOptions } from '../admin/commands/getopt.ts'

/** The command line of `postern deliver`, which is that of dovecot-lda. */
export interface DeliverOptions {
  readonly config: string | undefined
  readonly overrides: readonly string[]
  /** Whose mail it is; whoever runs the command when absent. */
  readonly user: string | undefined
  readonly mailbox: string | undefined
  /** The message, when it does not come as standard input. */
  readonly path: string | undefined
  /** Empty for nobody. */
  readonly from: string | undefined
  /** The recipient as the sender wrote it. */
  readonly original: string | undefined
  /** What is wrong with the mail is printed, too. */
  readonly tellsSender: boolean
}

export const DELIVER_USAGE = `usage: postern deliver [-c <config file>] [-o <key=value>] [-d <username>] [-p <path>]
                       [-m <mailbox>] [-e] [-k] [-f <envelope sender>]
                       [-a <original envelope recipient>] [-r <final envelope recipient>]

Delivers one message from standard input, as dovecot-lda does.

  -d  whose mail it is; without, $USER's, with this process's rights
  -m  the mailbox, instead of INBOX; when it cannot be opened the message goes to INBOX
  -p  a file with the message
  -e  print why a message is refused
  -r  accepted: the final recipient is the user
  -k  accepted: the environment is never looked at for settings

Exit status: 0 delivered; 75 try again later; 67 no such user; 77 refused, over quota; 64 usage.
`

/** Reads it; `problem` says what makes no sense. */
export function readDeliverOptions(argv: readonly string[]): DeliverOptions | { readonly problem: string } {
  const read = readOptions(argv, 'ek', 'acdfmopr')
  if ('usage' in read) return { problem: read.usage }
  const [extra] = read.words
  if (extra !== undefined) return { problem: `Unknown argument: ${extra}` }
  const value = (letter: string): string | undefined => read.flags.get(letter) || undefined
  return {
    config: value('c'),
    overrides: read.given.filter(([letter]) => letter === 'o').map(([, text]) => text),
    user: value('d'),
    mailbox: value('m'),
    path: value('p'),
    from: bareAddress(read.flags.get('f')),
    original: bareAddress(value('a')),
    tellsSender: read.flags.has('e'),
  }
}

function bareAddress(text: string | undefined): string | undefined {
  return text?.replace(/^<(.*)>$/s, '$1')
}
