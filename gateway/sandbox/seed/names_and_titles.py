"""Names, titles and topics for the seeded libraries."""


def split_words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = split_words(
    """Ada Alan Amara Anders Aisha Bela Bruno Carmen Chidi Clara Dario Daphne Elif Emil Esther Farah Felix
    Fiona Goran Greta Hana Hugo Ines Ivan Jamal Johanna Kaito Keiko Lars Leila Luca Magda Mateo Mina
    Nadia Nils Olga Omar Paulina Quentin Rania Rosa Samir Sofia Tomas Uma Viktor Wanda Xenia Yusuf
    Zoë"""
)
LAST_NAMES = split_words(
    """Abebe Almeida Bergström Brandt Castillo Chen Dubois Eriksen Fischer Fontaine García Grant Haddad
    Horvat Ito Jansen Kaya Kowalski Lindqvist Mbeki Moreau Müller Nakamura Novák O'Connor Okafor
    Papadopoulos Petrov Quispe Rossi Sánchez Sato Silva Tanaka Ueda Varga Weber Wójcik Yamada Zhang"""
)
MIDDLE_NAMES = split_words("Anna Lee Marie Jo Kim Ray Noor Sam")
CITIES = (
    ("Springfield", "IL", "62701", "US"),
    ("Leipzig", "SN", "04109", "DE"),
    ("Lund", "M", "222 22", "SE"),
    ("College Station", "TX", "77843", "US"),
)
STREETS = ("Elm Street", "Library Lane", "Mill Road", "Market Square", "Station Avenue", "Garden Row")

CLASSICS = (
    ("Pride and Prejudice", "Austen, Jane", "1813"),
    ("Moby Dick; or, The whale", "Melville, Herman", "1851"),
    ("Frankenstein", "Shelley, Mary Wollstonecraft", "1818"),
    ("The origin of species", "Darwin, Charles", "1859"),
    ("Middlemarch", "Eliot, George", "1871"),
    ("Leaves of grass", "Whitman, Walt", "1855"),
    ("Madame Bovary", "Flaubert, Gustave", "1857"),
    ("Crime and punishment", "Dostoyevsky, Fyodor", "1866"),
    ("Walden", "Thoreau, Henry David", "1854"),
    ("Jane Eyre", "Brontë, Charlotte", "1847"),
    ("Bleak House", "Dickens, Charles", "1853"),
    ("The time machine", "Wells, H. G.", "1895"),
    ("Les misérables", "Hugo, Victor", "1862"),
    ("Faust", "Goethe, Johann Wolfgang von", "1808"),
    ("Don Quixote", "Cervantes Saavedra, Miguel de", "1605"),
    ("The republic", "Plato", "1901"),
)
TOPICS = split_words(
    """glaciers lighthouses honeybees railways typography falconry corals tea weaving volcanoes maps paper
    bridges owls astronomy gardens rivers clocks mosses choirs glass printing ferries wool comets
    salt orchards dictionaries mushrooms canals windmills tides pottery archives"""
)
TITLE_FORMS = (
    "An introduction to {}",
    "A history of {}",
    "The handbook of {}",
    "Studies in {}",
    "Notes on {}",
)
PUBLISHERS = (
    ("Harbour Press", "Bristol"),
    ("Juniper & Sons", "Boston"),
    ("Akademischer Verlag", "Leipzig"),
    ("Norrland Förlag", "Umeå"),
)
