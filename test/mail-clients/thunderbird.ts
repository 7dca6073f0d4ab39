import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { PATIENCE_MS } from '../support/deadline.ts'
import { ServerProcess } from '../support/server-process.ts'
import { Marionette } from './marionette.ts'

const PROGRAM = '/usr/bin/thunderbird'

/** It asks nobody, calls nobody at home, and may be told what to do. */
const PREFERENCES: readonly (readonly [name: string, value: string | number | boolean])[] = [
  ['marionette.port', 0],
  ['datareporting.policy.dataSubmissionEnabled', false],
  ['toolkit.telemetry.enabled', false],
  ['app.update.enabled', false],
  ['extensions.update.enabled', false],
  ['network.captive-portal-service.enabled', false],
  ['network.connectivity-service.enabled', false],
  ['mail.provider.enabled', false],
  ['mail.shell.checkDefaultClient', false],
  ['mail.rights.version', 1],
  ['mailnews.start_page.enabled', false],
  ['mail.server.default.check_new_mail', false],
  ['mail.server.default.autosync_offline_stores', true],
]

/** What begins every script: the account's server, its folders by path, and waiting. */
const PRELUDE = `
const { MailServices } = ChromeUtils.importESModule('resource:///modules/MailServices.sys.mjs')
const server = MailServices.accounts.allServers.find((one) => one.type === 'imap')
const pathOf = (folder) => folder.isServer ? '' : (pathOf(folder.parent) + '/' + folder.name).replace(/^\\//, '')
const folders = () => server.rootFolder.descendants
const folder = (path) => folders().find((one) => pathOf(one).toLowerCase() === path.toLowerCase())
const until = async (what, holds) => {
  for (let turn = 0; turn < 600; turn++) {
    const found = holds()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('never: ' + what)
}
const update = async (one) => {
  const done = Promise.withResolvers()
  one.QueryInterface(Ci.nsIMsgImapMailFolder).updateFolderWithListener(null, {
    OnStartRunningUrl() {},
    OnStopRunningUrl: (_url, code) => Components.isSuccessCode(code) ? done.resolve() : done.reject(new Error('update: ' + code)),
  })
  await done.promise
}
const messages = (path) => [...folder(path).messages]
const bySubject = (path, subjects) => messages(path).filter((one) => subjects.includes(one.mime2DecodedSubject))
`

/** A running Thunderbird with one IMAP account. */
export class Thunderbird {
  readonly #process: ServerProcess
  readonly #marionette: Marionette

  private constructor(process: ServerProcess, marionette: Marionette) {
    this.#process = process
    this.#marionette = marionette
  }

  /** Starts it with a profile of its own below `dir`. */
  static async start(dir: string): Promise<Thunderbird> {
    const profile = join(dir, 'profile')
    mkdirSync(profile, { recursive: true })
    const lines = PREFERENCES.map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
    writeFileSync(join(profile, 'user.js'), lines.join(''))
    const server = new ServerProcess({
      command: PROGRAM,
      args: ['-headless', '--marionette', '-remote-allow-system-access', '--no-remote', '--profile', profile],
      env: { HOME: dir, PATH: process.env['PATH'] ?? '', MOZ_CRASHREPORTER_DISABLE: '1' },
    })
    try {
      const port = await portIn(join(profile, 'MarionetteActivePort'))
      return new Thunderbird(server, await Marionette.connect(port))
    } catch (error) {
      await server.stop()
      throw error
    }
  }

  /** Adds the account and waits for its folders. */
  async addAccount(user: string, password: string, port: number, folders: readonly string[]): Promise<void> {
    await this.#run(
      `const [user, password, port, wanted] = args
      const login = Cc['@mozilla.org/login-manager/loginInfo;1'].createInstance(Ci.nsILoginInfo)
      login.init('imap://127.0.0.1', null, 'imap://127.0.0.1', user, password, '', '')
      await Services.logins.addLoginAsync(login)
      const created = MailServices.accounts.createIncomingServer(user, '127.0.0.1', 'imap')
      created.port = port
      created.socketType = 0
      created.authMethod = 3
      created.password = password
      created.QueryInterface(Ci.nsIImapIncomingServer).usingSubscription = false
      const identity = MailServices.accounts.createIdentity()
      identity.email = user + '@example.org'
      const account = MailServices.accounts.createAccount()
      account.incomingServer = created
      account.addIdentity(identity)
      await update(created.rootFolder.getChildNamed('INBOX'))
      await until('the folders ' + wanted, () => wanted.every((path) =>
        created.rootFolder.descendants.some((one) => pathOf(one).toLowerCase() === path.toLowerCase())))`,
      user,
      password,
      port,
      folders,
    )
  }

  /** Opens a folder, waits until it has so many messages, and tells them: `subject [FLAGS]`, sorted. */
  async read(path: string, count: number): Promise<readonly string[]> {
    const lines = await this.#run(
      `const [path, count] = args
      await update(folder(path))
      await until(count + ' messages in ' + path, () => messages(path).length === count)
      return messages(path).map((one) =>
        one.mime2DecodedSubject + ' [' + (one.isFlagged ? 'F' : '') + (one.isRead ? 'S' : '') + ']').toSorted()`,
      path,
      count,
    )
    return lines as readonly string[]
  }

  /** What the button Get Messages does; waits until INBOX has so many. */
  async getMessages(count: number): Promise<void> {
    await this.#run(
      `const [count] = args
      server.getNewMessages(folder('INBOX'), null, null)
      await until(count + ' messages in INBOX', () => messages('INBOX').length === count)`,
      count,
    )
  }

  async download(path: string): Promise<number> {
    const sizes = await this.#run(
      `const [path] = args
      folder(path).setFlag(Ci.nsMsgFolderFlags.Offline)
      folder(path).downloadAllForOffline({ OnStartRunningUrl() {}, OnStopRunningUrl() {} }, null)
      await until('all messages of ' + path, () => messages(path).every((one) => one.flags & Ci.nsMsgMessageFlags.Offline))
      return messages(path).length`,
      path,
    )
    return Number(sizes)
  }

  async mark(path: string, subjects: readonly string[], how: 'read' | 'flagged'): Promise<void> {
    await this.#run(
      `const [path, subjects, how] = args
      const marked = bySubject(path, subjects)
      if (how === 'read') folder(path).markMessagesRead(marked, true)
      else folder(path).markMessagesFlagged(marked, true)`,
      path,
      subjects,
      how,
    )
  }

  async createFolder(name: string): Promise<void> {
    await this.#run(
      `const [name] = args
      server.rootFolder.createSubfolder(name, null)
      await until('the folder ' + name, () => folder(name))`,
      name,
    )
  }

  async transfer(from: string, subjects: readonly string[], to: string, moves: boolean): Promise<void> {
    await this.#run(
      `const [from, subjects, to, moves] = args
      const done = Promise.withResolvers()
      MailServices.copy.copyMessages(folder(from), bySubject(from, subjects), folder(to), moves, {
        onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId: () => null,
        onStopCopy: (status) => Components.isSuccessCode(status) ? done.resolve() : done.reject(new Error('copy: ' + status)),
      }, null, false)
      await done.promise`,
      from,
      subjects,
      to,
      moves,
    )
  }

  async remove(path: string, subjects: readonly string[]): Promise<void> {
    await this.#run(
      `const [path, subjects] = args
      folder(path).deleteMessages(bySubject(path, subjects), null, true, false, null, false)
      await until('they are gone', () => bySubject(path, subjects).length === 0)
      folder(path).compact(null, null)`,
      path,
      subjects,
    )
  }

  async stop(): Promise<void> {
    this.#marionette.close()
    await this.#process.stop(0)
  }

  async #run(body: string, ...args: readonly unknown[]): Promise<unknown> {
    return await this.#marionette.run(`${PRELUDE}${body}`, ...args)
  }
}

async function portIn(file: string): Promise<number> {
  const latest = performance.now() + PATIENCE_MS
  for (;;) {
    const port = existsSync(file) ? Number(readFileSync(file, 'latin1')) : 0
    if (port > 0) return port
    if (performance.now() > latest) throw new Error('Thunderbird did not start')
    await pause(100)
  }
}
