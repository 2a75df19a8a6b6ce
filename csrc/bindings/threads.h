#pragma once

namespace retrolux {

/// Has forked children noticed, from now on.
void watch_forks();

/// How many threads a call may use: what was asked for, within reason, and one in a forked child, where the parent's
/// threads are gone. The runtime ends the process where the system has no more threads to give.
int usable_threads(int asked);

}  // namespace retrolux
