import { chownSync, cpSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One message of the mailbox that both servers get: 2 to 6 KB, with the header fields of ordinary mail. */
function messageText(number: number): string {
  const body = `Line ${number} of an ordinary letter about meetings, invoices and the weather.\n`.repeat(
    20 + (number % 50),
  )
  return `Return-Path: <sender${number % 97}@example.net>
Received: from client.example.net by mx.example.org with ESMTP id ${number};
\tSun, 01 Nov 2026 10:00:00 +0000
From: "Sender ${number % 97}" <sender${number % 97}@example.net>
To: Joe <joe@example.org>, Jane <jane@example.org>
Cc: team@example.org
Subject: Report ${number} about project ${number % 31}
Date: Sun, 01 Nov 2026 10:${String(number % 60).padStart(2, '0')}:00 +0000
Message-ID: <${number}.bench@example.net>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

${body}`
}

/** First message of the mailbox: November 2026. */
const BASE_SECONDS = 1_793_520_000

/** Writes a Maildir with so many messages, a third of them unseen. */
export function writeMaildir(path: string, messages: number): void {
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(path, part), { recursive: true })
  for (let number = 1; number <= messages; number++) {
    const text = messageText(number)
    const lines = text.split('\n').length - 1
    const time = BASE_SECONDS + number
    const name = `${time}.M${number}P1.bench,S=${text.length},W=${text.length + lines}:2,${number % 3 === 0 ? '' : 'S'}`
    const file = join(path, 'cur', name)
    writeFileSync(file, text)
    utimesSync(file, time, time)
  }
}

/** The same Maildir for another server, with its own owner. */
export function copyMaildir(from: string, to: string, owner: { readonly uid: number; readonly gid: number }): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
  for (const part of ['', 'cur', 'new', 'tmp']) {
    chownSync(join(to, part), owner.uid, owner.gid)
    if (part !== '')
      for (const name of readdirSync(join(to, part))) chownSync(join(to, part, name), owner.uid, owner.gid)
  }
}
