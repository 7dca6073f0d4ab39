import { randomBytes } from 'node:crypto'
import { open, rename, rm, stat } from 'node:fs/promises'
import { hasCode } from '../../storage/formats/maildir/disk.ts'
import type { QuotaAmount } from '../../storage/quota-hook.ts'
import { MAILDIRSIZE_BYTES, maildirsizeLine, readMaildirsize, writeMaildirsize } from './maildirsize.ts'
import type { QuotaLimit } from './quota-rule.ts'
import type { Usage } from './usage.ts'

export interface MaildirsizeNeeds {
  readonly path: string
  /** The limits of everything: the file is for these. */
  readonly limit: QuotaLimit
  /** `quota_vsizes`: messages count with lines ending in CRLF. */
  readonly virtual: boolean
  /** Counts all mailboxes. */
  readonly count: () => Promise<QuotaAmount>
  /** The mode of new files beside it. */
  readonly fileMode: () => number
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** `maildir`: a file keeps what is used, line by line, and is counted anew when it cannot be believed. Dovecot may write it too. */
export class MaildirsizeUsage implements Usage {
  readonly #needs: MaildirsizeNeeds

  constructor(needs: MaildirsizeNeeds) {
    this.#needs = needs
  }

  async current(): Promise<QuotaAmount> {
    return (await this.#read()) ?? (await this.#recount())
  }

  async fresh(): Promise<QuotaAmount> {
    return await this.current()
  }

  async note(added: QuotaAmount): Promise<void> {
    const { messages } = added
    const line = maildirsizeLine({ messages, sizeBytes: this.sizeOf(added) })
    // A count made now knows of the change.
    if ((await this.#read()) === undefined || !(await this.#append(line))) await this.#recount()
  }

  async recount(): Promise<void> {
    await this.#recount()
  }

  sizeOf({ sizeBytes, storedBytes = sizeBytes }: QuotaAmount): number {
    return this.#needs.virtual ? sizeBytes : storedBytes
  }

  async #read(): Promise<QuotaAmount | undefined> {
    const { path, limit, now } = this.#needs
    try {
      const file = await open(path, 'r')
      try {
        const buffer = Buffer.alloc(MAILDIRSIZE_BYTES)
        const { bytesRead } = await file.read(buffer, 0, MAILDIRSIZE_BYTES, 0)
        const { mtimeMs } = await file.stat()
        return readMaildirsize({ text: buffer.toString('latin1', 0, bytesRead), ageMs: now() - mtimeMs }, limit)
      } finally {
        await file.close()
      }
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  /** In one write, so that lines of several processes do not mix. False when there is no file. */
  async #append(line: string): Promise<boolean> {
    try {
      await stat(this.#needs.path)
      const file = await open(this.#needs.path, 'a', this.#needs.fileMode())
      try {
        await file.write(line)
      } finally {
        await file.close()
      }
      return true
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false
      throw error
    }
  }

  async #recount(): Promise<QuotaAmount> {
    const { path, limit, count, fileMode } = this.#needs
    const used = await count()
    const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
    try {
      const file = await open(temporary, 'wx', fileMode())
      try {
        await file.chmod(fileMode())
        await file.write(writeMaildirsize(limit, used))
      } finally {
        await file.close()
      }
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      // Without a directory there is no mail yet.
      if (!hasCode(error, 'ENOENT')) throw error
    }
    return used
  }
}
