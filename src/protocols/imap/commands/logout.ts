import { bareCommand } from '../server/command.ts'

/** LOGOUT. RFC 3501 §6.1.3. */
export const logout = bareCommand({
  name: 'LOGOUT',
  needs: 'authenticated',
  run(session) {
    session.out.text('* BYE Logging out\r\n')
    session.over = 'Logged out'
    return { text: 'OK Logout completed' }
  },
})
