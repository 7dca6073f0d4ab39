import { TEST_USERS } from '../../../test/suites/passdb.ts'
import { userdbSuite } from '../../../test/suites/userdb.ts'
import { escapeQuotes } from '../passdb/passwd-file.ts'
import { openTestAuth } from '../testing/open-auth.ts'

const cannotHold = (name: string): boolean => name.includes(':')

userdbSuite({
  name: 'prefetch',
  async open() {
    const lines = TEST_USERS.filter(({ name }) => !cannotHold(name)).map(
      ({ name, password, host }) =>
        `${escapeQuotes(name)}:{PLAIN}${password}:::::: userdb_uid=1000 userdb_gid=1000 userdb_home=/home/${host} userdb_quota_rule=${host}`,
    )
    const conf = `auth_username_chars =
passdb {
  driver = passwd-file
  args = /users
}
userdb {
  driver = prefetch
}`
    const opened = await openTestAuth({ conf, files: { '/users': `${lines.join('\n')}\n` } })
    return { ...opened, cannotHold, cannotList: true, needsLogin: true }
  },
})
