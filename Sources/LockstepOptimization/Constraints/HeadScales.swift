import LockstepEngine

/// What the rows of one tensor's heads are multiplied by in an update (``QueryKeyClip``), as a reference that can be
/// passed as an address.
final class HeadScales {
  /// Rows of one head, which one attention uses or several.
  private struct Head {
    /// The values in the arena.
    let values: Range<Int>
    let part: HeadRows.Part
    /// The places of the logits that count.
    var logits: [Int]
    var factor: Double?
  }

  let clip: QueryKeyClip
  private var heads: [Head] = []
  private let kernels: Kernels

  init(_ clip: QueryKeyClip, slot: FlatLayout.Slot, kernels: Kernels) {
    self.clip = clip
    self.kernels = kernels
    // A vector has a row a value.
    let size = slot.shape.count < 2 ? 1 : slot.unitSize
    for rows in slot.heads {
      for head in 0..<rows.heads {
        let range = rows.rows(of: head)
        let values = slot.offset + range.lowerBound * size..<slot.offset + range.upperBound * size
        if let same = heads.firstIndex(where: { $0.values == values }) {
          heads[same].logits.append(rows.firstHead + head)
        } else {
          heads.append(Head(values: values, part: rows.part, logits: [rows.firstHead + head]))
        }
      }
    }
  }

  /// The places of all logits that the heads heed.
  var logits: [Int] { heads.flatMap(\.logits) }

  /// Decides an update's factors, from the largest logits of all heads.
  func begin(_ logits: UnsafeBufferPointer<Double>) {
    for index in heads.indices {
      var largest = -Double.infinity
      for place in heads[index].logits where logits[place] > largest { largest = logits[place] }
      heads[index].factor = clip.factor(heads[index].part, largestLogit: largest)
    }
  }

  /// Scales `count` values of the arena from `start` on.
  func apply(_ parameters: UnsafeMutablePointer<Float>, at start: Int, count: Int) {
    for head in heads {
      guard let factor = head.factor else { continue }
      let part = head.values.clamped(to: start..<start + count)
      guard !part.isEmpty else { continue }
      let values = parameters + part.lowerBound
      kernels.scale(values, values, by: ScaleFactor(factor), part.count)
    }
  }
}

/// What ``QueryKeyClip`` did in an update.
package struct HeadClipReport: Sendable, Equatable {
  /// The number of heads that were scaled.
  package let clipped: Int
  /// The number of heads that could have been.
  package let heads: Int
  /// The part of the heads that were scaled.
  package var fraction: Double { heads == 0 ? 0 : Double(clipped) / Double(heads) }
}

/// The heads of all tensors that ``QueryKeyClip`` acts on, and the logits of the step at hand.
final class HeadClips {
  /// How many heads' logits a step must tell; 0 where nothing is clipped.
  let count: Int
  private let scales: [HeadScales?]
  /// Of each slot; none where nothing is clipped.
  private let logits: Arena<Double>
  /// Whether the logits are those of the step at hand.
  private(set) var isTold = false
  private(set) var report: HeadClipReport?
  private var isClipped: [Bool]
  private var isHeeded: [Bool]

  init(_ scales: [HeadScales?]) {
    self.scales = scales
    let all = scales.compactMap { $0 }.flatMap(\.logits)
    count = (all.max() ?? -1) + 1
    logits = Arena(count: count)
    isClipped = Array(repeating: false, count: count)
    isHeeded = isClipped
    for place in all { isHeeded[place] = true }
  }

  /// Takes the largest logits of a step's heads.
  func tell(_ values: UnsafeBufferPointer<Double>) {
    for index in 0..<min(count, values.count) { logits.base[index] = values[index] }
    isTold = values.count >= count
  }

  /// Decides an update's factors.
  func begin(isDue: (_ slot: Int) -> Bool) {
    if count == 0 { return }
    for index in isClipped.indices { isClipped[index] = false }
    for (slot, scales) in scales.enumerated() {
      guard let scales, isDue(slot) else { continue }
      scales.begin(UnsafeBufferPointer(logits.buffer))
      for place in scales.logits
      where scales.clip.factor(.queries, largestLogit: logits.base[place]) != nil {
        isClipped[place] = true
      }
    }
    report = HeadClipReport(clipped: isClipped.count { $0 }, heads: isHeeded.count { $0 })
    isTold = false
  }
}
