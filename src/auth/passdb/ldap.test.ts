import { describe } from 'node:test'
import { exactSettings, exactUsers } from '../../../test/peers/exact-directory.ts'
import { SLAPD_SUFFIX, skipWithoutSlapd, startSlapd } from '../../../test/peers/slapd.ts'
import { passdbSuite, TEST_USERS } from '../../../test/suites/passdb.ts'
import { openTestAuth } from '../testing/open-auth.ts'
import { systemClock } from '../testing/system.ts'

describe('passdb ldap', () => {
  for (const [name, more] of [
    ['the password compared', ''],
    ['auth_bind', 'auth_bind = yes'],
  ] as const) {
    passdbSuite({
      name: `ldap, ${name}`,
      skip: skipWithoutSlapd(),
      async open(cleanup) {
        const peer = await startSlapd()
        cleanup(() => peer.stop())
        await peer.run(exactUsers())
        const opened = await openTestAuth({
          conf: 'auth_username_chars =\npassdb {\n  driver = ldap\n  args = /ldap.ext\n}',
          files: { '/ldap.ext': exactSettings(`ldap://127.0.0.1:${peer.port}`, more) },
          clock: systemClock,
        })
        return {
          ...opened,
          outage: { begin: () => peer.kill(), end: () => peer.start() },
          hang: { begin: () => peer.pause(), end: () => peer.resume() },
          async changePassword(user, password) {
            const index = TEST_USERS.findIndex((each) => each.name === user)
            await peer.run(
              `dn: cn=${index},${SLAPD_SUFFIX}\nchangetype: modify\nreplace: userPassword\nuserPassword: ${password}\n`,
            )
          },
        }
      },
    })
  }
})
