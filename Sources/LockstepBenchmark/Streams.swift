internal import CLockstepKernels
import LockstepEngine

/// Loops that only move bytes, for bounds, and to push other data out of the caches.
struct Streams {
  private let kernels: UnsafePointer<lockstep_stream_kernels>

  init(_ isa: InstructionSet = .detected) {
    kernels = lockstep_stream_kernels_for(lockstep_isa(rawValue: isa.rawValue))
  }

  /// Reads all values; what is returned depends on all of them.
  @inline(never)
  @discardableResult
  func read(_ values: UnsafeBufferPointer<Float>) -> Float {
    values.baseAddress.map { kernels.pointee.read($0, values.count) } ?? 0
  }

  /// The traffic of an update with two moments: reads four arrays and writes three, `count` values of
  /// each (all by default).
  func update(_ arenas: [Arena<Float>], count: Int? = nil) {
    kernels.pointee.update(
      arenas[0].base, arenas[1].base, arenas[2].base, arenas[3].base, count ?? arenas[0].count)
  }

  /// The traffic of adding `count` values to a sum: reads two arrays and writes one.
  func add(_ values: Arena<Float>, to sum: Arena<Float>, count: Int) {
    add(values.base, to: sum.base, count)
  }

  /// The same at two addresses.
  func add(_ values: UnsafePointer<Float>, to sum: UnsafeMutablePointer<Float>, _ count: Int) {
    kernels.pointee.add(sum, values, count)
  }
}
