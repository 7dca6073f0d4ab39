/** Listings as doveadm 2.3.19 prints them (`proxy list` over a socket that says these rows); test/doveadm-formats.test.ts compares. */
export interface RecordedListing {
  readonly why: string
  /** Names as the server calls the columns. */
  readonly keys: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** Characters in a line of the terminal; 80 is none. */
  readonly width: number
  readonly printed: Readonly<Record<string, string>>
}

export const recordedListings: readonly RecordedListing[] = [
  {
    why: 'a name decides the width',
    keys: ['username', 'user_alt', 'service', 'src-ip', 'dest-ip', 'dest-port'],
    rows: [
      ['joe', 'j', 'imap', '127.0.0.1', '10.0.0.1', '143'],
      ['jane@example.org', '', 'pop3', '127.0.0.1', '10.0.0.1', '143'],
    ],
    width: 80,
    printed: {
      table:
        'username                     user_alt proto src ip    dest ip  port\njoe                          j        imap  127.0.0.1 10.0.0.1 143 \njane@example.org                      pop3  127.0.0.1 10.0.0.1 143 \n',
      tab: 'username\tuser_alt\tproto\tsrc ip\tdest ip\tport\njoe\tj\timap\t127.0.0.1\t10.0.0.1\t143\njane@example.org\t\tpop3\t127.0.0.1\t10.0.0.1\t143\n',
      json: '[{"username":"joe","user_alt":"j","service":"imap","src-ip":"127.0.0.1","dest-ip":"10.0.0.1","dest-port":"143"},{"username":"jane@example.org","user_alt":"","service":"pop3","src-ip":"127.0.0.1","dest-ip":"10.0.0.1","dest-port":"143"}]',
      flow: 'username=joe user_alt=j proto=imap src ip=127.0.0.1 dest ip=10.0.0.1 port=143\nusername=jane@example.org user_alt= proto=pop3 src ip=127.0.0.1 dest ip=10.0.0.1 port=143\n',
      pager:
        'username: joe\nuser_alt: j\nproto: imap\nsrc ip: 127.0.0.1\ndest ip: 10.0.0.1\nport: 143\n\f\nusername: jane@example.org\nuser_alt: \nproto: pop3\nsrc ip: 127.0.0.1\ndest ip: 10.0.0.1\nport: 143\n',
    },
  },
  {
    why: 'no rows',
    keys: ['username', 'service', 'src-ip', 'dest-ip', 'dest-port'],
    rows: [],
    width: 80,
    printed: {
      table: 'username                        proto src ip dest ip port\n',
      tab: 'username\tproto\tsrc ip\tdest ip\tport\n',
      json: '[]',
      flow: '',
      pager: '',
    },
  },
  {
    why: 'nothing may expand, so the last column does',
    keys: ['service', 'src-ip', 'dest-port'],
    rows: [['imap', '127.0.0.1', '143']],
    width: 80,
    printed: {
      table: 'proto src ip    port                              \nimap  127.0.0.1 143                               \n',
    },
  },
  {
    why: 'one column has all that is too much',
    keys: ['username', 'user_alt', 'service', 'src-ip', 'dest-ip', 'dest-port'],
    rows: [
      [
        'joeaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        'j',
        'imap',
        '127.0.0.1',
        '10.0.0.1',
        '143',
      ],
      ['joe', 'j', 'imap', '127.0.0.1', '10.0.0.1', '143'],
    ],
    width: 80,
    printed: {
      table:
        'username                                  user_alt proto src ip   dest ip port\njoeaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa j     imap 127.0.0.1 10.0.0.1 143\njoe                                       j     imap 127.0.0.1 10.0.0.1 143\n',
    },
  },
  {
    why: 'no column has all that is too much',
    keys: ['username', 'user_alt', 'service', 'src-ip', 'dest-ip', 'dest-port'],
    rows: [
      [
        'joeaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        'jaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
        'imap',
        '127.0.0.1',
        '10.0.0.1',
        '143',
      ],
      ['joe', 'j', 'imap', '127.0.0.1', '10.0.0.1', '143'],
    ],
    width: 80,
    printed: {
      table:
        'username                                   user_alt                                 proto src ip   dest ip port\njoeaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa jaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa imap 127.0.0.1 10.0.0.1 143\njoe                                        j                                        imap 127.0.0.1 10.0.0.1 143\n',
    },
  },
  {
    why: 'the last columns give way first',
    keys: ['service', 'src-ip', 'dest-ip', 'dest-port'],
    rows: [
      ['imap', 'fedc:ba98:7654:3210:fedc:ba98:7654:3210', 'fedc:ba98:7654:3210:fedc:ba98:7654:3210', '143'],
      ['imap', '127.0.0.1', '10.0.0.1', '143'],
    ],
    width: 80,
    printed: {
      table:
        'proto src ip                                  dest ip                       port\nimap  fedc:ba98:7654:3210:fedc:ba98:7654:3210 fedc:ba98:7654:3210:fedc:ba98:7654:3210 143\nimap  127.0.0.1                               10.0.0.1                      143\n',
    },
  },
  {
    why: 'characters count, not bytes',
    keys: ['username', 'service'],
    rows: [
      ['é中', 'imap'],
      ['joe@bücher.example', 'imap'],
    ],
    width: 80,
    printed: {
      table:
        'username                                       proto\né中                                             imap \njoe@bücher.example                             imap \n',
      json: '[{"username":"é中","service":"imap"},{"username":"joe@bücher.example","service":"imap"}]',
    },
  },
  {
    why: 'JSON escapes',
    keys: ['username'],
    rows: [['a/b"c\\d'], ['\u2028x'], ['\u0002'], ['<>&'], ['a\tb\nc\rd']],
    width: 80,
    printed: {
      json: '[{"username":"a/b\\"c\\\\d"},{"username":"\\u2028x"},{"username":"\\u0002"},{"username":"<>&"},{"username":"a\\tb\\nc\\rd"}]',
    },
  },
  {
    why: 'a narrow terminal',
    keys: ['username', 'user_alt', 'service', 'src-ip', 'dest-ip', 'dest-port'],
    rows: [['joe', 'j', 'imap', '127.0.0.1', '10.0.0.1', '143']],
    width: 40,
    printed: {
      table: 'username user_alt proto src ip   dest ip port\njoe      j imap 127.0.0.1 10.0.0.1 143\n',
    },
  },
  {
    why: 'a wide terminal',
    keys: ['username', 'user_alt', 'service', 'src-ip', 'dest-ip', 'dest-port'],
    rows: [['joe', 'j', 'imap', '127.0.0.1', '10.0.0.1', '143']],
    width: 120,
    printed: {
      table:
        'username                                     user_alt proto src ip    dest ip  port\njoe                                          j        imap  127.0.0.1 10.0.0.1 143 \n',
    },
  },
]
