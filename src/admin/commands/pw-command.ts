import { type Command, EXIT } from './command.ts'

/** `pw`: makes and checks stored passwords. Its own file reads its command line, which is not like the others. */
export const pw: Command = {
  name: 'pw',
  usage: '[-l] [-p plaintext] [-r rounds] [-s scheme] [-t hash] [-u user] [-V]',
  summary: 'Make a stored password from a plaintext one, or check one.',
  options: [
    { letter: 'l', doc: 'List the schemes.' },
    { letter: 'p', value: 'plaintext', doc: 'The password; asked for when it is not given.' },
    { letter: 'r', value: 'rounds', doc: 'Rounds of schemes that have them.' },
    {
      letter: 's',
      value: 'scheme',
      doc: 'The scheme, with an encoding such as `.hex` if wanted; CRYPT when not given.',
    },
    { letter: 't', value: 'hash', doc: 'Check the password against this stored one.' },
    { letter: 'u', value: 'user', doc: 'The user, for schemes that hash it too.' },
    { letter: 'V', doc: 'Check what was made.' },
  ],
  statuses: [[EXIT.temporary, 'The password does not match, or cannot be hashed this way.']],
  async run({ argv, out, readPassword }) {
    // The schemes are much code, which no other command needs.
    const { runPw } = await import('./pw.ts')
    return await runPw(argv, {
      stdout: (text) => out.print(text),
      stderr: (text) => out.printError(text),
      readPassword,
    })
  },
}
