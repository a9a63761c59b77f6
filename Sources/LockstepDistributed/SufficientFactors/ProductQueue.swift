import LockstepCollective
import LockstepFold
import LockstepEngine
import LockstepMPI

/// How the ranks of a node share out the products of factors while they make them.
///
/// Each rank has pieces of its own slice to make, and takes them from the front. It need not wait for all
/// ranks to have computed: the gradients of the last layers can be made as soon as all ranks have left
/// their factors of these. Who is through, or waits for factors, takes pieces of others from the back. So
/// a rank whose processor is slower, or has been taken away for a while, makes less. (Blumofe and
/// Leiserson, "Scheduling multithreaded computations by work stealing", 1999, take from the other end,
/// too.) The bits do not depend on who makes a piece.
///
/// Each piece has a number in memory that all ranks share: the step in which it was taken last, by whom,
/// and whether it is made. Its owner visits what others have made.
final class ProductQueue: ProductSharing {
  private typealias Piece = SufficientFactorProducts.Piece

  private let products: SufficientFactorProducts
  private let arenas: SharedArenas
  /// The products' slots, the last one first.
  private let slots: [Int]
  /// Each rank's pieces, by place on the node, in the order of ``slots``, and each one's place in it.
  private let pieces: [[(piece: Piece, slot: Int)]]
  /// The pieces' numbers.
  private let states: [[MPISharedCounter]]
  /// The last step in which a rank left all factors of a slot, by place on the node.
  private let readiness: [[MPISharedCounter]]
  /// How many factors of a slot this rank has not left yet.
  private var missing: [Int]
  private var step: UInt64 = 1
  /// Keeps the numbers.
  private let memory: SharedArena

  /// How many pieces of others this rank has made.
  private(set) var taken = 0

  private static let factorsPerSlot = 2

  /// Nil, on all ranks, where there is too little memory. Called by all ranks.
  init?(
    _ products: SufficientFactorProducts, _ plan: FoldPlan, _ arenas: SharedArenas,
    _ makeArena: ArenaMaker
  ) throws {
    self.products = products
    self.arenas = arenas
    let slots = Array(products.factors.slots.reversed())
    let pieces = arenas.ranks.map { rank in
      let runs = products.runs(of: plan.blockSlices[rank])
      return slots.indices.flatMap { slot in
        runs.filter { $0.slot == slots[slot] }.flatMap(\.pieces).map { (piece: $0, slot: slot) }
      }
    }
    self.slots = slots
    self.pieces = pieces
    missing = Array(repeating: Self.factorsPerSlot, count: slots.count)

    // No two ranks' numbers in one line of cache.
    func whole(_ words: Int) -> Int { (words + 7) / 8 * 8 }
    let words = pieces.reduce(0) { $0 + whole(slots.count) + whole($1.count) }
    guard
      let memory = try makeArena(
        words * 2, "every rank makes the weight gradients of its own slice alone")
    else { return nil }
    self.memory = memory
    var next = UnsafeMutableRawPointer(memory.buffer.baseAddress!)
    func counters(_ count: Int) -> [MPISharedCounter] {
      defer { next += whole(count) * MemoryLayout<UInt64>.stride }
      return (0..<count).map {
        MPISharedCounter(aligned: next + $0 * MemoryLayout<UInt64>.stride)
      }
    }
    readiness = pieces.map { _ in counters(slots.count) }
    states = pieces.map { counters($0.count) }
  }

  // MARK: While this rank computes

  /// This rank has left a factor of all its examples.
  func ready(_ factor: SufficientFactors.Factor) {
    guard let slot = slots.firstIndex(of: factor.slot), missing[slot] > 0 else { return }
    missing[slot] -= 1
    if missing[slot] == 0 { announce(slot) }
  }

  private func announce(_ slot: Int) { readiness[arenas.place][slot].advance(to: step) }

  /// Makes ready for the next step.
  func reset() {
    step += 1
    for slot in missing.indices { missing[slot] = Self.factorsPerSlot }
  }

  // MARK: When it has computed

  /// Makes this rank's pieces, and others' while there are any to make, and visits the blocks of its own.
  func run(
    into folded: UnsafeMutablePointer<Float>, _ visit: (Int) throws -> Void
  ) throws {
    defer { reset() }
    // Whatever a rank that has failed did not leave.
    for slot in missing.indices where missing[slot] > 0 { announce(slot) }
    let place = arenas.place
    var visited = 0
    /// Visits what is made, in order.
    func visitMade() throws {
      while visited < states[place].count, isMade(states[place][visited].value) {
        for block in pieces[place][visited].piece.blocks { try visit(block) }
        visited += 1
      }
    }
    for index in pieces[place].indices {
      let slot = pieces[place][index].slot
      while let peer = lateRank(slot) {
        if take(into: folded) { continue }
        try wait(for: peer, slot)
      }
      if claim(place, index) { make(place, index, into: folded) }
      try visitMade()
    }
    while visited < states[place].count {
      let state = states[place][visited]
      let seen = state.value
      if !isMade(seen) { try arenas.wait(for: state, atLeast: seen + 1, of: claimant(seen)) }
      try visitMade()
    }
    while true {
      if take(into: folded) { continue }
      guard let slot = openSlot(), let peer = lateRank(slot) else { return }
      try wait(for: peer, slot)
    }
  }

  /// Waits for a rank's factors of a slot, or for something else to do.
  private func wait(for peer: Int, _ slot: Int) throws {
    try arenas.wait(for: readiness[peer][slot], atLeast: step, of: peer) {
      nextToTake() != nil
    }
  }

  /// A rank that has not left its factors of a slot yet.
  private func lateRank(_ slot: Int) -> Int? {
    for place in readiness.indices where readiness[place][slot].value < step { return place }
    return nil
  }

  /// The slot of a piece that nobody has taken and whose factors are not all there.
  private func openSlot() -> Int? {
    for place in pieces.indices {
      for index in pieces[place].indices where isOpen(states[place][index].value) {
        let slot = pieces[place][index].slot
        if lateRank(slot) != nil { return slot }
      }
    }
    return nil
  }

  /// Another rank's last piece that can be made.
  private func nextToTake() -> (place: Int, index: Int)? {
    let count = pieces.count
    for distance in 1..<count {
      let place = (arenas.place + distance) % count
      for index in pieces[place].indices.reversed()
      where isOpen(states[place][index].value) && lateRank(pieces[place][index].slot) == nil {
        return (place, index)
      }
    }
    return nil
  }

  /// Makes another rank's piece; whether there was one to make.
  private func take(into folded: UnsafeMutablePointer<Float>) -> Bool {
    guard let next = nextToTake() else { return false }
    if claim(next.place, next.index) {
      make(next.place, next.index, into: folded)
      taken += 1
    }
    return true
  }

  private func make(_ place: Int, _ index: Int, into folded: UnsafeMutablePointer<Float>) {
    products.make(pieces[place][index].piece, into: folded)
    states[place][index].advance(to: number(isMade: true))
  }

  // MARK: Numbers of pieces: the step, a rank's place, and a bit

  private func number(isMade: Bool) -> UInt64 {
    step << 32 | UInt64(arenas.place) << 1 | (isMade ? 1 : 0)
  }

  /// Takes a piece, unless another rank has.
  private func claim(_ place: Int, _ index: Int) -> Bool {
    let state = states[place][index]
    let seen = state.value
    return isOpen(seen) && state.replace(seen, with: number(isMade: false))
  }

  private func isOpen(_ number: UInt64) -> Bool { number >> 32 < step }
  private func isMade(_ number: UInt64) -> Bool { number >> 32 == step && number & 1 == 1 }
  private func claimant(_ number: UInt64) -> Int { Int(number & 0xffff_ffff) >> 1 }
}
