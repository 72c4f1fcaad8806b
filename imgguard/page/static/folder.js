// The view "A folder": choose one and what it is published for.

import "./places.js";
import { PublicationForm } from "./publication.js";

new PublicationForm(document.getElementById("begin"));
