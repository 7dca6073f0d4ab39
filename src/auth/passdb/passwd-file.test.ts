import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { systemAuthNeeds, systemClock } from '../testing/system.ts'
import { openTestAuth } from '../testing/open-auth.ts'
import { escapeQuotes } from './passwd-file.ts'
import { silent } from '../../observe/events.ts'

const cannotHold = (name: string): boolean => /[:\n]/.test(name) || name.startsWith('#')

/** Changes of size are seen whatever the clock's resolution. */
function passwdFile(passwords: ReadonlyMap<string, string>, comment = ''): string {
  const lines = TEST_USERS.filter(({ name }) => !cannotHold(name)).map(
    ({ name, password, host }) => `${escapeQuotes(name)}:{PLAIN}${passwords.get(name) ?? password}:::::: host=${host}`,
  )
  return `# ${comment}\n${lines.join('\n')}\n`
}

passdbSuite({
  name: 'passwd-file',
  async open(cleanup) {
    const dir = makeTempDir('passwd-file')
    cleanup(() => removeTempDir(dir))
    const path = join(dir, 'users')
    const passwords = new Map<string, string>()
    let changes = 0
    const write = (): void => writeFileSync(path, passwdFile(passwords, 'x'.repeat(changes++)))
    write()
    const opened = await openTestAuth({
      conf: `auth_username_chars =\npassdb {\n  driver = passwd-file\n  args = ${path}\n}`,
      clock: systemClock,
      disk: systemAuthNeeds(silent).files,
    })
    return {
      ...opened,
      cannotHold,
      changePassword(name, password) {
        passwords.set(name, password)
        write()
        return Promise.resolve()
      },
      outage: {
        begin() {
          rmSync(path)
          mkdirSync(path)
          return Promise.resolve()
        },
        end() {
          rmSync(path, { recursive: true })
          write()
          return Promise.resolve()
        },
      },
    }
  },
})
