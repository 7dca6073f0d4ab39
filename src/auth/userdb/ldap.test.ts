import { exactSettings, exactUsers } from '../../../test/peers/exact-directory.ts'
import { skipWithoutSlapd, startSlapd } from '../../../test/peers/slapd.ts'
import { userdbSuite } from '../../../test/suites/userdb.ts'
import { openTestAuth } from '../testing/open-auth.ts'
import { systemClock } from '../testing/system.ts'

userdbSuite({
  name: 'ldap',
  skip: skipWithoutSlapd(),
  async open(cleanup) {
    const peer = await startSlapd()
    cleanup(() => peer.stop())
    await peer.run(exactUsers())
    const opened = await openTestAuth({
      conf: 'auth_username_chars =\npassdb {\n  driver = ldap\n  args = /ldap.ext\n}\nuserdb {\n  driver = ldap\n  args = /ldap.ext\n}',
      files: { '/ldap.ext': exactSettings(`ldap://127.0.0.1:${peer.port}`) },
      clock: systemClock,
    })
    return { ...opened, outage: { begin: () => peer.kill(), end: () => peer.start() } }
  },
})
