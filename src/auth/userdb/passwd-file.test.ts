import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TEST_USERS } from '../../../test/suites/passdb.ts'
import { userdbSuite } from '../../../test/suites/userdb.ts'
import { makeTempDir, removeTempDir } from '../../../test/support/temp-dir.ts'
import { silent } from '../../observe/events.ts'
import { systemAuthNeeds, systemClock } from '../testing/system.ts'
import { escapeQuotes } from '../passdb/passwd-file.ts'
import { openTestAuth } from '../testing/open-auth.ts'

const cannotHold = (name: string): boolean => name.includes(':')

userdbSuite({
  name: 'passwd-file',
  async open(cleanup) {
    const dir = makeTempDir('passwd-file')
    cleanup(() => removeTempDir(dir))
    const path = join(dir, 'users')
    const lines = TEST_USERS.filter(({ name }) => !cannotHold(name)).map(
      ({ name, host }) => `${escapeQuotes(name)}:x:1000:1000::/home/${host}::userdb_quota_rule=${host} passdb_only=1`,
    )
    // A line for passdbs only is nobody here.
    const write = (): void => writeFileSync(path, `${lines.join('\n')}\nonly-a-password:x\n`)
    write()
    const opened = await openTestAuth({
      conf: `auth_username_chars =\npassdb {\n  driver = static\n  args = password=x\n}\nuserdb {\n  driver = passwd-file\n  args = ${path}\n}`,
      clock: systemClock,
      disk: systemAuthNeeds(silent).files,
    })
    return {
      ...opened,
      cannotHold,
      listedAs: escapeQuotes,
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
