import { userInfo } from 'node:os'

/** Who gives a command, for the log: behind sudo, who asked for it. The socket admits the server's owner only, so it is believed. */
export function administrator(): string {
  const sudo = process.env.SUDO_USER ?? ''
  if (sudo !== '') return sudo
  try {
    return userInfo().username
  } catch {
    // A user without a name.
    return String(process.getuid?.() ?? '')
  }
}
