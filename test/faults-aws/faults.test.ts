/** Everything that AWS may do to the launcher, against one pair of emulators: each start of them costs seconds. */
import './death.cases.ts'
import './trouble.cases.ts'
import './capacity.cases.ts'
import './late.cases.ts'
import './records.cases.ts'
import './sweep.cases.ts'
