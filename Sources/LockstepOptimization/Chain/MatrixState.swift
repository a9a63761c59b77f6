import LockstepEngine

/// State of whole matrices, which is not one number a parameter: sums of rows, factors, bases. The rank that
/// owns a matrix has it.
///
/// A rank's matrices lie side by side, and so does their state, in a layout of its own: checkpoints put it
/// together as they do with slices, and know nothing of owners.
package final class MatrixState {
  private let name: String
  /// What is kept, tensor by tensor, and where a slot's is in it.
  let layout: FlatLayout
  private let places: [Int?]
  private let initialize: (_ slot: Int, _ values: UnsafeMutablePointer<Float>) -> Void
  /// The slots whose state this rank has; nil for all of them, where no other rank has any.
  private var owned: Range<Int>?
  /// Made when it is first asked for: owners are known by then.
  private var arena: Arena<Float>?

  /// - Parameters:
  ///   - name: what the state is called, `firstMoment`.
  ///   - shape: the shape of what is kept of a slot; nil for nothing.
  ///   - initialize: writes what it starts from, where that is not zeros.
  init(
    _ name: String, _ context: TransformContext, shape: (_ slot: Int) -> [Int]?,
    initialize: @escaping (_ slot: Int, _ values: UnsafeMutablePointer<Float>) -> Void = { _, _ in }
  ) {
    self.name = name
    self.initialize = initialize
    var tensors: [(String, [Int])] = []
    places = context.layout.slots.indices.map { slot in
      guard let shape = shape(slot) else { return nil }
      tensors.append((context.layout.slots[slot].name, shape))
      return tensors.count - 1
    }
    layout = FlatLayout(tensors)
    // A rule that updates no block at all is asked for layouts alone.
    owned = context.held?.isEmpty == true ? 0..<0 : nil
  }

  /// Has the state of these slots from here on, or of all.
  func keep(_ slots: Range<Int>?) {
    if slots == owned { return }
    owned = slots
    arena = nil
  }

  /// The values of a slot that this rank has; nil where nothing is kept of it.
  func values(of slot: Int) -> UnsafeMutablePointer<Float>? {
    places[slot].map { made.base + layout.slots[$0].offset }
  }

  /// The bytes that are kept of some slots.
  func bytes(of slots: Range<Int>) -> Int {
    slots.reduce(0) { sum, slot in
      sum + (places[slot].map { layout.slots[$0].paddedCount } ?? 0) * MemoryLayout<Float>.stride
    }
  }

  /// What a checkpoint holds.
  var entry: StateEntry {
    StateEntry(name, .arena(made.buffer, layout), holding: owned.map { _ in held })
  }

  /// The indices of the values that this rank has.
  private var held: Range<Int> {
    guard let owned else { return 0..<layout.count }
    let slots = owned.compactMap { places[$0] }
    guard let first = slots.first, let last = slots.last else { return 0..<0 }
    return layout.slots[first].offset..<layout.slots[last].range.upperBound
  }

  private var made: Arena<Float> {
    if let arena { return arena }
    let new = Arena<Float>(indices: held)
    arena = new
    for slot in owned ?? places.indices {
      if let place = places[slot] { initialize(slot, new.base + layout.slots[place].offset) }
    }
    return new
  }
}
