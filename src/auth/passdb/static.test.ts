import { passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import { openTestAuth } from '../testing/open-auth.ts'

const [first] = TEST_USERS

passdbSuite({
  name: 'static',
  async open() {
    const args = `password=${first?.password} host=${first?.host}`
    const opened = await openTestAuth({
      conf: `auth_username_chars =\npassdb {\n  driver = static\n  args = ${args}\n}`,
    })
    // One password for everybody: the test users' own would be wrong.
    return { ...opened, knowsEverybody: true, cannotHold: (name) => name !== first?.name }
  },
})
