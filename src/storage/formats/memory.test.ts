import { mailboxFormatSuite } from '../../../test/suites/mailbox-format.ts'
import { memoryLocation } from '../testing/open-memory-store.ts'
import { MemoryFormat } from './memory.ts'

mailboxFormatSuite({
  name: 'memory',
  open: () => ({ format: new MemoryFormat(), location: memoryLocation('joe') }),
})
