import { userdbSuite } from '../../../test/suites/userdb.ts'
import { openTestAuth } from '../testing/open-auth.ts'

userdbSuite({
  name: 'static',
  async open() {
    const conf = `auth_username_chars =
passdb {
  driver = static
  args = password=x
}
userdb {
  driver = static
  args = uid=1000 gid=1000 home=/home/%u
}`
    return { ...(await openTestAuth({ conf })), knowsEverybody: true, cannotList: true }
  },
})
