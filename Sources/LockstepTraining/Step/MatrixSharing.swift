import LockstepCollective
import LockstepEngine
import LockstepFold
import LockstepOptimization

/// Has each matrix of an update transformed by one rank (``MatrixOwners``).
///
/// All matrices lie in one arena. Where ranks share memory there is one for all: each writes what it has of
/// the update, the owners work in place, and each takes what it needs. Elsewhere every rank has an arena of
/// its own, and what was written is gathered. With a replicated update a rank has all of the update, and
/// writes nothing but the matrices that it owns.
final class MatrixSharing: MatrixExchange {
  /// A run of values with its places in the update and among the matrices.
  private struct Piece {
    let update: Int
    let matrices: Int
    let count: Int
  }

  private let collective: any Collective
  /// Whether each rank has its slice of the update alone.
  private let isSharded: Bool
  /// The slots of the matrices.
  private let slots: [Int]
  /// Where they lie in ``values``.
  private let layout: FlatLayout
  /// Those that this rank transforms.
  private let run: Range<Int>
  /// What this rank has of the update before, and wants of it behind.
  private let given: [Piece]
  private let wanted: [Piece]
  /// The values of each rank, before and behind: they tile ``values``.
  private let givenParts: [Range<Int>]
  private let ownedParts: [Range<Int>]
  private let values: UnsafeMutableBufferPointer<Float>
  /// Keeps the values: memory that all ranks share, or this rank's.
  private let memory: AnyObject
  private let isShared: Bool
  /// What this rank sends; an arena cannot be sent from and received into at once.
  private var sent = Arena<Float>(count: 0)

  /// Called by all ranks, of which there are several.
  ///
  /// - Parameters:
  ///   - operations: what each slot's matrix takes; nil for a tensor that is none.
  ///   - blocks: the blocks that each rank updates; nil where each updates all.
  init(
    _ operations: [Double?], _ update: FlatLayout, blocks: [Range<Int>]?,
    on collective: any Collective
  ) throws {
    self.collective = collective
    isSharded = blocks != nil
    let matrices = operations.indices.filter { operations[$0] != nil }
    slots = matrices
    layout = FlatLayout(matrices.map { (update.slots[$0].name, update.slots[$0].shape) })
    let layout = layout
    let runs = MatrixOwners.runs(
      of: matrices.map { operations[$0] ?? 0 }, over: collective.size)
    run = runs[collective.rank]
    ownedParts = Self.tile(
      runs.map { $0.isEmpty ? nil : layout.slots[$0.lowerBound].offset }, layout.count)

    let all = update.blocks()
    func pieces(_ range: Range<Int>) -> [Piece] {
      all[range].compactMap { block in
        guard let matrix = matrices.firstIndex(of: block.slot) else { return nil }
        let place = block.offset - update.slots[block.slot].offset
        return Piece(
          update: block.offset, matrices: layout.slots[matrix].offset + place, count: block.count)
      }
    }
    func whole(_ run: Range<Int>) -> [Piece] {
      run.map {
        Piece(
          update: update.slots[matrices[$0]].offset, matrices: layout.slots[$0].offset,
          count: layout.slots[$0].count)
      }
    }
    if let blocks {
      given = pieces(blocks[collective.rank])
      wanted = given
      givenParts = Self.tile(blocks.map { pieces($0).first?.matrices }, layout.count)
    } else {
      given = whole(run)
      wanted = whole(0..<matrices.count)
      givenParts = ownedParts
    }
    let shared = try collective.makeSharedArena(
      count: layout.count, otherwise: "every rank keeps all matrices of the update")
    if let shared {
      (values, memory, isShared) = (shared.buffer, shared, true)
    } else {
      let arena = Arena<Float>(count: layout.count)
      (values, memory, isShared) = (arena.buffer, arena, false)
    }
  }

  /// The slots from the first of this rank's matrices to the last.
  var owned: Range<Int>? { run.isEmpty ? 0..<0 : slots[run.first!]..<slots[run.last!] + 1 }

  /// The values from each rank's first one to the next rank's; a rank without one has none.
  private static func tile(_ starts: [Int?], _ count: Int) -> [Range<Int>] {
    var end = count
    return starts.reversed().map { start -> Range<Int> in
      defer { end = start ?? end }
      return (start ?? end)..<end
    }.reversed()
  }

  func transform(
    _ update: UnsafeMutablePointer<Float>,
    _ work: (_ slot: Int, _ values: UnsafeMutablePointer<Float>) -> Void
  ) throws {
    guard let base = values.baseAddress, !slots.isEmpty else { return }
    for piece in given {
      (base + piece.matrices).update(from: update + piece.update, count: piece.count)
    }
    if isSharded { try meet(givenParts) }
    for index in run { work(slots[index], base + layout.slots[index].offset) }
    try meet(ownedParts)
    for piece in wanted {
      (update + piece.update).update(from: base + piece.matrices, count: piece.count)
    }
    // The next ones are written over what others may still be taking.
    if isShared, !isSharded { try wait() }
  }

  /// Lets all ranks see what each has written.
  private func meet(_ parts: [Range<Int>]) throws {
    if isShared { return try wait() }
    let mine = parts[collective.rank]
    if sent.count < mine.count { sent = Arena(count: mine.count) }
    sent.base.update(from: values.baseAddress! + mine.lowerBound, count: mine.count)
    try collective.page.span(.gather) {
      try collective.allgather(
        UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: sent.buffer[..<mine.count])),
        counts: parts.map { $0.count * MemoryLayout<Float>.stride },
        into: UnsafeMutableRawBufferPointer(values))
    }
  }

  private func wait() throws { try collective.page.span(.gather) { try collective.barrier() } }
}
