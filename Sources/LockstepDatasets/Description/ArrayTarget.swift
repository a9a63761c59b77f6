import LockstepFiles

/// The labels of arrays, as files hold them.
package enum ArrayTarget: Sendable {
  /// There are none.
  case none
  /// A class for each example; the classes' names where they have some.
  case classes([Int32], ClassNames?)
  /// So many numbers for each example.
  case values([Double], width: Int)

  /// Reads labels.
  ///
  /// - Parameters:
  ///   - labels: the file's array.
  ///   - kind: what they are; nil for classes where they are integers, else values.
  ///   - inputs: what there are labels for.
  /// - Throws: `FileError` where they are no labels, or others in number.
  init(
    _ labels: StoredArray, as kind: TargetKind?, beside inputs: any RawExamples
  ) throws(FileError) {
    func refuse(_ reason: String) -> FileError {
      FileError(path: labels.name, kind: .mismatch, reason: reason)
    }
    let areClasses = kind.map { $0 == .classes } ?? labels.format.element.isInteger
    let shape = labels.fullShape
    let isColumn = shape.count == 2 && shape[1] == 1
    guard shape.count == 1 || isColumn || !areClasses && shape.count == 2 else {
      throw refuse("expected labels of one dimension, found the shape \(shape)")
    }
    guard inputs.count == labels.count else {
      throw refuse(
        "expected \(inputs.count) labels, as many as there are inputs in \(inputs.name); found "
          + "\(labels.count)")
    }
    guard areClasses else {
      guard shape.count == 1 || shape[1] > 0 else {
        throw refuse("expected at least one number an example, found the shape \(shape)")
      }
      self = .values(try labels.numbers(), width: shape.count == 1 ? 1 : shape[1])
      return
    }
    var classes: [Int32] = []
    for (example, number) in try labels.numbers().enumerated() {
      guard let label = Int32(exactly: number) else {
        throw refuse(
          "example \(example + 1): the label is \(CellText.text(number)), and classes are the integers 0, 1, …; "
            + "numbers that are no classes need 'targetKind' to be 'values'")
      }
      classes.append(label)
    }
    self = .classes(classes, nil)
  }

  /// What the labels mean, learned from some examples.
  ///
  /// - Parameter count: the number of classes; nil for the largest label plus one.
  func kind(_ rows: [Int], classCount count: Int?) -> TargetDescription.Kind {
    switch self {
    case .none: .values(width: 1)
    case .values(_, let width): .values(width: width)
    case .classes(let classes, let names):
      .classes(names ?? ClassNames(count: count ?? (rows.map { Int(classes[$0]) + 1 }.max() ?? 0)))
    }
  }

  /// The labels of some examples.
  ///
  /// - Parameter name: the file of the labels.
  /// - Throws: `FileError` that names an example whose class is unknown.
  func labels(
    _ rows: [Int], as kind: TargetDescription.Kind, name: String
  ) throws(FileError) -> Dataset.Labels {
    switch (self, kind) {
    case (.classes(let classes, _), .classes(let names)):
      for row in rows {
        guard let problem = names.problem(with: Int(classes[row])) else { continue }
        throw FileError(path: name, kind: .mismatch, reason: "example \(row + 1): \(problem)")
      }
      return .classes(rows.map { classes[$0] }, count: names.count)
    case (.values(let values, let width), .values):
      return .targets(
        rows.flatMap { row in values[row * width..<(row + 1) * width].map { Float($0) } },
        width: width)
    default: return .unknown(kind, count: rows.count)
    }
  }

  /// Makes sure that these are labels of the kind that training had.
  ///
  /// - Parameters:
  ///   - element: the type of the labels' numbers.
  ///   - name: the file of the labels.
  func check(
    against wanted: TargetDescription.Kind, _ element: ArrayElement, name: String
  ) throws(FileError) {
    func refuse(_ reason: String) -> FileError {
      FileError(path: name, kind: .mismatch, reason: reason)
    }
    switch (self, wanted) {
    case (.classes, .classes), (.none, _): return
    case (.values(_, let width), .values(let wanted)) where width == wanted: return
    case (.values(_, let width), .values(let wanted)):
      throw refuse("has \(width) numbers an example, and the run was trained on \(wanted)")
    case (.values, .classes):
      throw refuse(
        "holds \(element.name) numbers, and the run was trained on classes, which are integers")
    case (.classes, .values):
      throw refuse(
        "holds \(element.name) integers, which are classes, and the run was trained on "
          + "floating-point numbers")
    }
  }

  /// The stratum of each of so many examples.
  func strata(_ count: Int) -> [Int] {
    switch self {
    case .none: [Int](repeating: 0, count: count)
    case .classes(let classes, _): classes.map(Int.init)
    case .values(let values, let width):
      Dataset.strata(stride(from: 0, to: values.count, by: width).map { Double(Float(values[$0])) })
    }
  }
}
