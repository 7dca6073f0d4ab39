import { readFileSync } from 'node:fs'

/** Home directories of system accounts, as /etc/passwd has them now. */
export function systemHome(name: string): string | undefined {
  const wanted = name === '' ? undefined : `${name}:`
  const line = wanted === undefined ? undefined : accounts().find((entry) => entry.startsWith(wanted))
  return line?.split(':')[5]
}

function accounts(): readonly string[] {
  try {
    return readFileSync('/etc/passwd', 'utf8').split('\n')
  } catch {
    return []
  }
}
