import { StoreRefusal } from '../../refusal.ts'
import type { FormatContext, FormatStore, MailFormat, MailLocation } from '../format.ts'
import { realSyncing, type Syncing } from './disk.ts'
import type { Layout } from './layout.ts'
import { FsLayout } from './layout-fs.ts'
import { MaildirPlusPlus } from './layout-maildirpp.ts'
import { namesOf } from './mailbox-names.ts'
import { MaildirStore } from './maildir-store.ts'

/** Mail in Maildirs, as Dovecot keeps it: both may serve the same one, in turn or at the same time. */
export function openMaildirFormat(syncing: Syncing = realSyncing): MailFormat {
  return {
    name: 'maildir',
    open: (location, context) => openStore(location, context, syncing),
  }
}

function openStore(location: MailLocation, context: FormatContext, syncing: Syncing): FormatStore {
  const layout = location.layout.toLowerCase()
  const names = namesOf(location, context, layout === 'fs' ? [] : ['.'])
  return new MaildirStore(location, context, { names, syncing, layout: layoutOf(layout, location, context, names) })
}

function layoutOf(
  layout: string,
  location: MailLocation,
  context: FormatContext,
  names: ReturnType<typeof namesOf>,
): Layout {
  switch (layout) {
    case 'fs':
      return new FsLayout(location, names, context.inbox !== false)
    case 'maildir++':
      return new MaildirPlusPlus(location, context, names)
    default:
      throw new StoreRefusal('temporary', `Unknown mailbox list driver: ${location.layout}`)
  }
}
