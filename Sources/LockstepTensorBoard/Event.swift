/// Something that happened in a run, as TensorBoard shows it.
package struct Event: Sendable {
  /// A value under a name.
  package enum Value: Sendable {
    /// A number.
    case scalar(Float)
    /// How a tensor's values are spread.
    case histogram(ValueHistogram)
    /// Text in Markdown.
    case text(String)
    /// A picture: a PNG file and its size.
    case image(png: [UInt8], width: Int, height: Int, channels: Int)
  }

  /// What an event is.
  package enum Content: Sendable {
    /// The first event of a file.
    case version
    /// A run begins, or goes on: what was written of this and later steps before holds no more.
    case start
    /// Values under their names.
    case values([(tag: String, value: Value)])
  }

  /// Seconds since 1970.
  package let time: Double
  /// The step.
  package let step: Int
  /// What it is.
  package let content: Content

  /// An event at a time.
  package init(time: Double, step: Int, _ content: Content) {
    self.time = time
    self.step = step
    self.content = content
  }
}
