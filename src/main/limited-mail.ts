import type { LocalMail, OpenMail } from '../login/environment.ts'
import type { WorkerShared } from './worker-shared.ts'

/**
 * The same mail, for so many sessions of one user from one address in one protocol as `mail_max_userip_connections` says.
 * As in Dovecot the user is counted before the userdbs are asked, and proxied sessions are their backend's business.
 */
export function limitConnections(mail: LocalMail, connections: Pick<WorkerShared, 'enter'>): LocalMail {
  return {
    async open(login) {
      const { record, protocol } = login
      const limit = record.settings.mail_max_userip_connections
      const whose = { service: protocol.name, ip: record.identity.remote.ip, user: record.user }
      const leave = await connections.enter(whose, limit)
      if (leave === undefined) return { kind: 'refused', why: { kind: 'too-many-connections', text: tooMany(limit) } }
      let isOpen = false
      try {
        const opening = await mail.open(login)
        isOpen = opening.kind === 'ready'
        return opening.kind === 'ready' ? { kind: 'ready', mail: leavingMail(opening.mail, leave) } : opening
      } finally {
        if (!isOpen) leave()
      }
    },
  }
}

/** Dovecot's words. */
function tooMany(limit: number): string {
  return `Maximum number of connections from user+IP exceeded (mail_max_userip_connections=${limit})`
}

function leavingMail(mail: OpenMail, leave: () => void): OpenMail {
  return {
    session: mail.session,
    pid: mail.pid,
    async serve(client) {
      try {
        await mail.serve(client)
      } finally {
        leave()
      }
    },
    discard() {
      mail.discard()
      leave()
    },
    kick: (reason) => mail.kick(reason),
  }
}
