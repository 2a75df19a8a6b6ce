#pragma once

#include "types.h"

// The MZIs of an ideal mesh, each as two rotations by shears: the phase of the upper mode, then the mixing. The other
// phases of an MZI are pushed through the next ones to the outputs. docs/physics/shears.md derives this.

namespace retrolux::RETROLUX_ISA {

/// A rotation by x as shears by tan(x/2), sin(x) and tan(x/2). |x| is at most pi/2, and neither exceeds one.
template <class T>
struct Shears {
    T tangent, sine;
};

template <class T>
struct Rotation {
    Shears<T> phase;  ///< of the upper mode
    Shears<T> mix;
};

/// An ideal mesh, ready for light. The caller gives room.
template <class T>
struct Rotations {
    Rotation<T>* mzis;  ///< (mzis)
    T* slopes;          ///< (mzis) change of the mixing angle with theta, 1/2 or -1/2; or null: not wanted
    T* cosine;          ///< (modes) of the phase that each output is left with, gamma included
    T* sine;            ///< (modes)
};

/// Needs a mesh without coupler errors and losses.
template <class T>
void find_rotations(const Mesh<T>& mesh, const Rotations<T>& rotations, int threads);

}  // namespace retrolux::RETROLUX_ISA
