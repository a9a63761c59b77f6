import LockstepFiles

/// What training learned about its data: what the inputs are and how they are brought to numbers,
/// what the target means, and which examples there were.
///
/// It is fitted on the training part alone. A run keeps it beside its configuration and in every
/// checkpoint, and reads every later file through it: columns are matched by name, classes keep their
/// numbers, and the means, deviations and fill values are those of training.
///
/// ```swift
/// let content = try TableContent(CSVTable.read("train.csv"), TableOptions(target: "species"))
/// let description = try content.describe()
/// let training = try content.part(as: description)
/// let later = try TableContent(CSVTable.read("new.csv"), as: description).part(as: description)
/// ```
package struct DataDescription: Sendable, Equatable {
  /// What the inputs are.
  package var input: InputDescription
  /// What the target is; the first of several heads.
  package var target: TargetDescription
  /// The heads, in order, where a model has several; none where it has one.
  package var heads: [HeadDescription] = []
  /// The examples that were trained on.
  package var training: PartSummary?
  /// The examples that were tested on, where there were any.
  package var test: PartSummary?
  /// All examples of a file that was cut into both parts; nil where nothing was cut.
  package var whole: PartSummary?
  /// How often each label occurs in the training part, where a loss asked.
  package var labels: LabelCounts?

  package init(
    input: InputDescription, target: TargetDescription, training: PartSummary? = nil,
    test: PartSummary? = nil, whole: PartSummary? = nil
  ) {
    self.input = input
    self.target = target
    self.training = training
    self.test = test
    self.whole = whole
  }

  /// Why weights that were trained on other data mean something else on this one: columns in another
  /// order, classes with other numbers; nil where names agree, or where there are none to compare.
  package func conflict(withTrainingOn other: DataDescription) -> String? {
    if case .columns(let mine) = input, case .columns(let theirs) = other.input {
      let (names, before) = (mine.inputNames, theirs.inputNames)
      if names != before, names.count == before.count {
        return "the inputs are \(Self.list(names)), and the weights were trained on "
          + Self.list(before)
      }
    }
    if case .series(let mine) = input, case .series(let theirs) = other.input {
      let (names, before) = (
        mine.table.columns.map(\.name), theirs.table.columns.map(\.name)
      )
      if names != before, names.count == before.count {
        return "the columns are \(Self.list(names)), and the weights were trained on "
          + Self.list(before)
      }
    }
    if case .tokens(let mine) = input, case .tokens(let theirs) = other.input,
      let difference = mine.difference(from: theirs)
    {
      return difference
    }
    if case .texts(let mine) = input, case .texts(let theirs) = other.input,
      let difference = mine.difference(from: theirs)
    {
      return difference
    }
    if let mine = target.classes?.names, let theirs = other.target.classes?.names, mine != theirs,
      mine.count == theirs.count
    {
      return "the classes are \(Self.list(mine)), and the weights were trained on "
        + Self.list(theirs)
    }
    return nil
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(6).map(\.quoted).joined(separator: ", ")
      + (names.count > 6 ? " and \(names.count - 6) more" : "")
  }

  /// The columns of a table whose texts are needed as they are written.
  package func texts(id: String? = nil) -> Set<String> {
    let inputs: Set<String>
    switch input {
    case .columns(let table): inputs = table.texts(id: id)
    case .texts(let texts): inputs = texts.texts(id: id)
    case .array, .tokens, .series: return []
    }
    return inputs.union(targets.filter { $0.tableKind != .values }.flatMap(\.columns))
  }

  /// The columns whose cells become vectors that the model learns.
  package var embedded: [EmbeddedColumn] {
    if case .columns(let table) = input { table.embedded } else { [] }
  }

  /// The shape of one example's input.
  package var inputShape: [Int] {
    switch input {
    case .columns(let table): [table.width]
    case .array(let array): array.shape
    case .tokens(let tokens): [tokens.window]
    case .series(let series): series.shape
    case .texts(let texts): [texts.lengths.longest]
    }
  }
}

extension DataDescription {
  /// The targets of all heads, or the only one.
  package var targets: [TargetDescription] { heads.isEmpty ? [target] : heads.map(\.target) }

  /// The description as one of a head alone.
  package func head(_ index: Int) -> DataDescription {
    var description = self
    if heads.indices.contains(index) { description.target = heads[index].target }
    description.heads = []
    return description
  }
}
